"""What is recorded at an artifact of hyperparameters."""

SEARCHED = "searched"
"""Custom property: when the search ended that found them, in Unix seconds. A run that hands them on keeps it."""
