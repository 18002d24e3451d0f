"""What runs a pipeline: this machine, or Vertex AI Pipelines."""
