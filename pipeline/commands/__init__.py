"""The `perennial` command and its parts: doctor, replay, notebook helpers, the demo."""
