"""The settings of models: one class for each kind."""
