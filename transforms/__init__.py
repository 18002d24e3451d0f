"""Defines the data: the names of all features, in one module, and the two preprocessing functions."""
