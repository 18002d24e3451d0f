"""`perennial vertex`. Google's libraries take seconds to import, so each command imports them when it runs."""
