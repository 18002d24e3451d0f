"""Our own components of the DAG. Each has a folder with its declaration, its executor and pure functions."""
