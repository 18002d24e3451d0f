"""The popularity model: the same items for everybody."""
