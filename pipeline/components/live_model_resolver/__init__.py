"""LiveModelResolver: the model that is live, found by the serving folder."""
