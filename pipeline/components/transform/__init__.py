"""Transform is TFX's Transform with the digest of our code in its cache key."""
