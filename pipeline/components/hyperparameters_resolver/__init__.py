"""HyperParametersResolver finds what the newest search has found."""
