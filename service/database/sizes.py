"""Sizes of what the database makes and others read; without SQLAlchemy, which tasks of the pipeline do not have."""

KEY_BYTES = 32
"""Of a key: 256 bits, which a SHA-256 based code cannot use more of."""

DIGEST_BYTES = 16
"""Of the hash of a forgotten user: two users out of a billion share one with a probability of 10^-21."""
