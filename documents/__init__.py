"""The JSON documents that one part of Perennial writes and another part reads: a model and a file name for each.

A service that asks a model needs no pipeline to read them: this package imports pydantic and `common`, and TensorFlow
only inside a call that reads or writes a remote path.
"""
