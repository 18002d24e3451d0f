"""The typed configuration of a pipeline, and its YAML files."""
