"""Simulates the part of Cloud Storage's JSON API that lists a bucket; STORAGE_EMULATOR_HOST names the server."""

import base64
import zlib
from pathlib import PurePosixPath
from typing import Any

from tests.vertex_api.rest import ApiError, Route

PROJECT_NUMBER = "123456789012"
"""Of the project that owns the buckets."""


class Storage:
    """Buckets with objects, from their contents."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, dict[str, Any]]] = {bucket: {} for bucket in buckets}
        """Contents by the names of bucket and object."""

        self._generation = 1_700_000_000_000_000

    def routes(self) -> list[Route]:
        return [
            # PipelineJob.submit, and so `tfx run create`, requests this; it would create a missing bucket.
            Route("storage.buckets.get", "GET", "/storage/v1/b/{bucket}", None, self._get),
            Route("storage.objects.list", "GET", "/storage/v1/b/{bucket}/o", None, self._list),
        ]

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Writes an object as a new generation."""
        self._generation += 1
        self.buckets[bucket][name] = {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(content)),
            "generation": str(self._generation),
            # Not the real CRC-32C, with Castagnoli's polynomial: clients only compare the values.
            "crc32c": base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode(),
        }

    def _get(self, asked: dict[str, str]) -> dict[str, Any]:
        self._bucket(asked["bucket"])
        name = asked["bucket"]
        owner = {"projectNumber": PROJECT_NUMBER, "location": "EUROPE-WEST4"}
        return {"kind": "storage#bucket", "id": name, "name": name, **owner}

    def _list(self, asked: dict[str, str]) -> dict[str, Any]:
        objects = self._bucket(asked["bucket"])
        names = [name for name in sorted(objects) if name.startswith(asked.get("prefix", ""))]
        if "matchGlob" in asked:
            names = [name for name in names if PurePosixPath("/", name).match(f"/{asked['matchGlob']}")]
        return {"kind": "storage#objects", "items": [objects[name] for name in names]}

    def _bucket(self, name: str) -> dict[str, dict[str, Any]]:
        if name not in self.buckets:
            raise ApiError(404, "The specified bucket does not exist.")
        return self.buckets[name]
