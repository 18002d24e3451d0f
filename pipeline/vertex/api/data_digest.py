"""A digest of what a run will read, from the bucket's listing alone: names, sizes, checksums."""

import hashlib
from pathlib import PurePosixPath
from typing import Any

from google.api_core import exceptions

from configs.errors import VertexError
from configs.pipeline import PipelineConfig
from pipeline.places import vertex_places
from pipeline.vertex.api.client import Api

_WILD = "*?["


def data_digest(api: Api, config: PipelineConfig) -> str:
    """Digests the log and the catalogue.

    Args:
        api: Google Cloud.
        config: The pipeline.

    Returns:
        SHA-256 as 64 hexadecimal digits: of each file's split, name inside the folder, size and CRC-32C. The same
        files in another bucket have the same digest.

    Raises:
        VertexError: A bucket is missing or closed, or a path has no file.
    """
    places = vertex_places(config)
    paths = {"": places.log_paths} if isinstance(places.log_paths, str) else dict(places.log_paths)
    if places.catalogue_path is not None:
        paths["catalogue"] = places.catalogue_path
    digest = hashlib.sha256()
    for part, path in sorted(paths.items()):
        for blob_name, blob in sorted(_files(api, path).items()):
            digest.update(f"{part}\t{blob_name}\t{blob.size}\t{blob.crc32c}\n".encode())
    return digest.hexdigest()


def check_bucket(api: Api, folder: str) -> None:
    """Looks whether a folder's bucket exists.

    Args:
        api: Google Cloud.
        folder: `gs://bucket/folder`.

    Raises:
        VertexError: It does not.
    """
    bucket, _ = _split(folder)
    try:
        api.call(f"look for gs://{bucket}", lambda options: _listed(api, bucket, "", 1, options))
    except VertexError as e:
        if not isinstance(e.__cause__, exceptions.Forbidden):
            raise _named(e, bucket, api) from e
        # The run writes there as its service account; who submits may be kept out.


def _files(api: Api, path: str) -> dict[str, Any]:
    """The objects that a glob names, by their name after the folder without wildcards."""
    bucket, pattern = _split(path)
    prefix = pattern[: min((place for sign in _WILD if (place := pattern.find(sign)) >= 0), default=len(pattern))]
    folder = prefix[: prefix.rfind("/") + 1]
    try:
        blobs = api.call(f"list {path}", lambda options: _listed(api, bucket, prefix, None, options))
    except VertexError as e:
        raise _named(e, bucket, api) from e
    # Part by part and from the root, since a `*` of the ExampleGens stays in its folder.
    found = {blob.name[len(folder) :]: blob for blob in blobs if PurePosixPath("/", blob.name).match(f"/{pattern}")}
    if not found:
        raise VertexError(
            f"{path}: no file in the bucket has this name. Copy the data there, for example with "
            f"`gcloud storage cp`, or look at the config's log.path, catalogue.path and vertex.data_dir."
        )
    return found


def _listed(api: Api, bucket: str, prefix: str, limit: int | None, options: dict[str, Any]) -> list[Any]:
    fields = "items(name,size,crc32c),nextPageToken"
    return list(api.storage.list_blobs(bucket, prefix=prefix or None, max_results=limit, fields=fields, **options))


def _named(error: VertexError, bucket: str, api: Api) -> VertexError:
    """Where there is no such bucket, that is the thing to say."""
    if not isinstance(error.__cause__, exceptions.NotFound):
        return error
    region, project = api.vertex.region, api.vertex.project
    return VertexError(
        f"gs://{bucket}: there is no such bucket. Make it with `gcloud storage buckets create gs://{bucket} "
        f"--location={region} --project={project}`, or look at the paths of the config's vertex section."
    )


def _split(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    return bucket, name
