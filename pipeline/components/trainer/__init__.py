"""Trainer trains as TFX's Trainer does, and has a channel for the catalogue."""
