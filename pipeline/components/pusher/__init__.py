"""Pusher: TFX's, with an atomic push that is done once."""
