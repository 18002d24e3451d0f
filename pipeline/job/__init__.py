"""A compiled job of any TFX pipeline: read it, lint it, rehearse it on this machine.

Of ours it imports `pipeline.ground` and `configs.errors` alone.
"""
