"""Digests the input files of a run from the buckets' listings, without reading them: names, sizes, checksums."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from google.api_core import exceptions

from common.errors import VertexError
from pipeline.cloud.client import Api
from pipeline.job.compiled import CompiledJob
from pipeline.reading import spans
from pipeline.reading.event_files import OPTIONAL
from pipeline.runners.vertex.inputs import input_globs

_WILD = "*?["
_HOST = "Cloud Storage"
_FIELDS = "items(name,size,crc32c),nextPageToken"

_MOST_FILES = 100_000
"""Most files of one pattern. Listing as many takes a minute; a run with more files should have larger ones."""


def data_digest(api: Api, job: CompiledJob, values: Mapping[str, Any]) -> str | None:
    """Digests the files that a job reads.

    Args:
        api: Google Cloud.
        job: The compiled job.
        values: Values of the run's parameters.

    Returns:
        SHA-256 as 64 hexadecimal digits: of each file's task and split, name inside the folder, size and CRC-32C. The
        same files in another folder or bucket have the same digest. None for a job that reads no files.

    Raises:
        JobError: The job's description of its input cannot be read.
        VertexError: A path is not in a bucket, a bucket is missing or not readable, or no file matches.
    """
    globs = input_globs(job, values)
    digest = hashlib.sha256()
    for (task, split), (folder, pattern) in sorted(globs.items()):
        for name, blob in sorted(_files(api, folder, pattern, may_be_none=split in OPTIONAL).items()):
            digest.update(f"{task}\t{split}\t{name}\t{blob.size}\t{blob.crc32c}\n".encode())
    return digest.hexdigest() if globs else None


def check_bucket(api: Api, folder: str) -> None:
    """Checks that a folder's bucket exists.

    Args:
        api: Google Cloud.
        folder: `gs://bucket/folder`.

    Raises:
        VertexError: The bucket does not exist.
    """
    bucket, _ = _split(folder)
    try:
        api.call(f"look for gs://{bucket}", lambda options: list(_listing(api, bucket, options, max_results=1)), _HOST)
    except VertexError as e:
        if not isinstance(e.__cause__, exceptions.Forbidden):
            raise _named(e, bucket, api) from e
        # The run writes there as its service account; the person who submits may lack the permission.


def _files(api: Api, folder: str, pattern: str, *, may_be_none: bool) -> dict[str, Any]:
    """Lists the objects that match a pattern, by their name inside the folder."""
    path = f"{folder}/{spans.as_glob(pattern)}"
    if not path.startswith("gs://"):
        raise VertexError(f"the job reads {path}, which is not a path in a bucket, so Vertex cannot read it.")
    bucket, whole = _split(path)
    prefix = whole[: min((place for sign in _WILD if (place := whole.find(sign)) >= 0), default=len(whole))]
    # The prefix before the first wildcard may match millions of other files, so Cloud Storage filters by glob too.
    # Not if the name has a brace: only Cloud Storage treats braces as wildcards.
    glob = whole if len(prefix) < len(whole) and not {"{", "}"} & set(whole) else None
    inside = len(_split(folder)[1])

    def matching(options: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for blob in _listing(api, bucket, options, prefix=prefix or None, match_glob=glob):
            # Compare part by part from the root: in an ExampleGen, a `*` does not match across folders.
            if PurePosixPath("/", blob.name).match(f"/{whole}"):
                found[blob.name[inside:].lstrip("/")] = blob
            if len(found) > _MOST_FILES:
                raise VertexError(
                    f"{path}: more than {_MOST_FILES:,} files in the bucket match this path. Merge them into fewer "
                    "files, or match fewer with log.path or catalogue.path in the config."
                )
        return found

    try:
        found = api.call(f"list {path}", matching, _HOST)
    except VertexError as e:
        raise _named(e, bucket, api) from e
    if not found and not may_be_none:
        raise VertexError(
            f"{path}: no file in the bucket matches this path. Copy the data there, for example with `gcloud storage "
            "cp`, or check the config's log.path, catalogue.path and vertex.data_dir."
        )
    return found


def _listing(api: Api, bucket: str, options: dict[str, Any], **which: Any) -> Iterable[Any]:
    listing: Iterable[Any] = api.storage.list_blobs(bucket, fields=_FIELDS, **which, **options)
    return listing


def _named(error: VertexError, bucket: str, api: Api) -> VertexError:
    """Replaces an error about a missing bucket by one that says so."""
    if not isinstance(error.__cause__, exceptions.NotFound):
        return error
    region, project = api.vertex.region, api.vertex.project
    return VertexError(
        f"gs://{bucket}: there is no such bucket. Create it with `gcloud storage buckets create gs://{bucket} "
        f"--location={region} --project={project}`, or check the paths in the config's vertex section."
    )


def _split(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    return bucket, name
