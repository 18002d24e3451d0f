"""Executes a compiled Vertex job on this machine, one process a task, as Vertex would: nothing but the job is known."""
