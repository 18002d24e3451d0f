"""Asks a model: in a process beside this one, in a TensorFlow Serving server, or at a Vertex Endpoint."""
