"""LiveModelResolver finds the live model in the serving folder."""
