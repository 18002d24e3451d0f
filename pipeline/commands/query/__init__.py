"""The commands `perennial query …`, which ask a running service."""
