"""The components of the DAG that are ours; one folder each: declaration, executor, pure functions."""
