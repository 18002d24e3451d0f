"""Executes a compiled Vertex job on this machine, one process for each task. It needs only the job, as Vertex does."""
