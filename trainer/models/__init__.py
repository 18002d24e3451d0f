"""The models: one folder for each kind."""
