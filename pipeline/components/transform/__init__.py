"""Transform: TFX's, with the digest of our code in its cache key."""
