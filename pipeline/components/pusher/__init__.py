"""Pusher is TFX's Pusher with an atomic push that never pushes the same model twice."""
