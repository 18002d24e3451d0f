"""Starts processes quickly: as forks of a process that has already imported their libraries.

TensorFlow takes seconds to import and milliseconds to fork. So `ForkServer` starts `program.py` once; that imports the
libraries, and forks itself for each request. A forked process then continues as `python -m MODULE ARGUMENTS` would.

What is imported must not be used before the fork: TensorFlow starts its threads with the first session, gRPC with the
first channel or server, and a fork has no copies of threads. (The allocator that Arrow and TensorFlow bring, jemalloc,
has a thread of its own from the start, and sees to it at a fork.) What a library reads from the environment when it is
imported, it has read in the server: give the server what the forks need.

It is not for programs that come from elsewhere, nor for many processes a second.
"""

from common.forking.server import ForkedProcess, ForkServer

__all__ = ["ForkServer", "ForkedProcess"]
