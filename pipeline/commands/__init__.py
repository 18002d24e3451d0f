"""The `perennial` command, and what else people start: doctor, replay, notebook helpers, the demo."""
