"""Writes a file or a folder whole or not at all, on a local disk and on an object store.

There are two protocols, because the two kinds of storage promise different things (Orbax's `path/atomicity.py` has the
same two).

*On a local disk* a rename is atomic, and a file that is being written is not. So everything is written under a
temporary name on the same file system and renamed when it is complete. After a power failure a rename may be on the
disk before the bytes that it names; where a caller promises durability, the bytes are synced before the rename and the
folder's entry after it.

*On an object store* (any path with `://`) there is no rename: TensorFlow's copies object after object and then deletes
them, and a reader sees every step. But one object appears whole when its upload is closed, so a file needs nothing
more. A folder gets its *commit file* last, the one file that its readers look for first (`saved_model.pb` of a model).
When a folder is replaced, the old commit file is deleted first, then the other old files, and only then are the new
ones uploaded: readers see the old folder, then none, then the new one. The files are complete on this machine before
the upload begins, so that code which fails half-way uploads nothing.

What this does not do: two writers of one *remote* folder at the same time may mix their files. A caller for whom this
can happen must first reserve a folder of its own, as `pipeline.store.versions.publish` does. On a local disk, the last
writer wins.

A killed process leaves its temporary files: hidden, beside the file or folder that it wrote, with the ending `.tmp`, or
with `.old` for an old folder that is whole; `sweep` removes the first and puts the second back. This package does not
import TensorFlow until a path is remote, because TensorFlow takes seconds to import and commands must start without
them.
"""

from common.atomicity.copying import copy_files
from common.atomicity.files import move_file, new_file, write_bytes, write_json, write_text
from common.atomicity.folders import copy_folder, new_folder, put_new, remove_folder, sweep
from common.atomicity.storage import is_local, original, sync, temporary

__all__ = [
    "copy_files",
    "copy_folder",
    "is_local",
    "move_file",
    "new_file",
    "new_folder",
    "original",
    "put_new",
    "remove_folder",
    "sweep",
    "sync",
    "temporary",
    "write_bytes",
    "write_json",
    "write_text",
]
