"""Pushes models to Vertex's Model Registry and to an Endpoint, and rolls both back to an older model."""
