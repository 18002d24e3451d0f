"""`perennial runs`."""
