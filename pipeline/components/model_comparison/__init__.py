"""ModelComparison chooses the best of several models, and measures all of them on the same users."""
