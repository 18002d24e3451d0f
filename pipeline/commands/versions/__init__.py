"""`perennial versions`."""
