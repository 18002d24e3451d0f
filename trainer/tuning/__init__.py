"""Searches a model's settings, and hands them to the training in TFX's format."""
