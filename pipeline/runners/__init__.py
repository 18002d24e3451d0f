"""Runs a pipeline on this machine or on Vertex AI Pipelines."""
