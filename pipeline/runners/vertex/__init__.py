"""Compiles the Vertex job, and submits, schedules and follows it."""
