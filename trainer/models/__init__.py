"""Kinds of models: one folder each, see `trainer.fitting`."""
