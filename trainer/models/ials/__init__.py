"""Implicit alternating least squares: matrix factorisation whose every user is served by a fold-in of the history."""
