"""What is wired and when: the DAG, its components, and the command line."""
