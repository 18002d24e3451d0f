"""Vertex AI Pipelines: the compiled job, what is wrong with it, its rehearsal here, and what is asked of the API."""
