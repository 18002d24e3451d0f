"""The page for people that every run leaves: what it read, learned, measured and decided."""
