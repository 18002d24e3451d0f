"""What the data looks like: feature names, once, and the two preprocessing functions."""
