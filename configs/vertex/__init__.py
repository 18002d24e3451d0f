"""The `vertex` section of a pipeline's YAML: where and how it runs on Vertex AI Pipelines."""
