"""The JSON documents that one part of Perennial writes and another part reads: a pydantic model and a file name each.

A service that serves a model can read them without the pipeline: this package imports pydantic and `common`, and
TensorFlow only inside a call that reads or writes a remote path.
"""
