"""ServingCheck asks a model in a separate process before it is pushed."""
