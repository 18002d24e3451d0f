"""What people did with the answers: stored, read for the next answer, exported for the next run, forgotten."""
