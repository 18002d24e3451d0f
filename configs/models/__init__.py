"""Settings of the models, one module for each kind."""
