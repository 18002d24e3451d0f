"""The models that can be trained, one folder for each kind."""
