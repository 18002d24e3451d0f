"""The typed configuration of a pipeline, its YAML files, and the errors every room raises."""
