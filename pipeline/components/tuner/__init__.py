"""Tuner searches the settings of the model, as TFX's Tuner does, and hands them to the Trainer."""
