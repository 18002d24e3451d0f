"""Speaks TensorFlow Serving's protocol without TensorFlow: its official messages, and arrays as tensors."""

from pathlib import Path

FILE = Path(__file__).with_name("tensorflow_serving.binpb")
"""The messages: a serialized FileDescriptorSet, dependencies first."""
