"""Takes back, or gives again, the evaluator's word in Vertex ML Metadata, so that a rollback lasts.

The next run there compares with, and starts from, the model of the newest ModelBlessing that says `blessed`. What is
done is what `pipeline.versions.blessings` does on this machine; but this store holds all pipelines of the project.
"""

import logging
import posixpath
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import tensorflow as tf
from google.cloud import aiplatform_v1 as v1
from tfx.utils import path_utils

from configs.errors import OutputError
from pipeline.runs.metadata import BLESSED, CURRENT_MODEL_URI, MODEL_DIGEST, MODEL_URI, WITHDRAWN
from pipeline.versions.blessings import Blessed
from pipeline.versions.folder import SOURCE, Version, provenance
from pipeline.vertex.registry.api import RegistryApi, afresh, plain

_logger = logging.getLogger("perennial.registry")

_LIVE = "state=LIVE"
"""What the resolver asks for."""

_PAGE = 1000
"""The most that the service gives at once."""


def bless_again(
    api: RegistryApi, pipeline: str, standing: Iterable[Version], target: str, out: Collection[str]
) -> Blessed:
    """Leaves the model that is gone back to as the last one blessed; see `pipeline.versions.blessings.bless_again`.

    Args:
        api: Google Cloud.
        pipeline: The pipeline's name; models of others are left alone.
        standing: What is in the serving folder.
        target: Digest of the model that is gone back to.
        out: Digests of the models that are out of service.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    return _Change(api, pipeline, standing).make(target, out)


def take_back(api: RegistryApi, pipeline: str, standing: Iterable[Version], out: Collection[str]) -> Blessed:
    """Takes back what withdrawn models were given since their rollback; see `pipeline.versions.blessings.take_back`.

    Args:
        api: Google Cloud.
        pipeline: The pipeline's name.
        standing: What is in the serving folder.
        out: Digests of the models that are out of service.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    return _Change(api, pipeline, standing).make(None, out)


class _Change:
    """What the store says, read once, and what is changed of it."""

    def __init__(self, api: RegistryApi, pipeline: str, standing: Iterable[Version]) -> None:
        self._api, self._pipeline = api, pipeline
        self._models = {model.uri: model for model in self._artifacts("tfx.Model", _LIVE)}
        self._uris: dict[str, set[str]] = {}
        # The push that made a version may have been killed before it told the store; the version knows its source.
        for version in standing:
            if source := version.record.get(SOURCE):
                self._uris.setdefault(version.digest, set()).add(posixpath.dirname(source))
        for pushed in self._artifacts("tfx.PushedModel"):
            told = dict(pushed.metadata)
            if told.get(MODEL_DIGEST) and told.get(MODEL_URI):
                self._uris.setdefault(told[MODEL_DIGEST], set()).add(told[MODEL_URI])

    def make(self, target: str | None, out: Collection[str]) -> Blessed:
        targets = self._uris.get(target, set()) if target else set()
        taken = {uri for digest in out for uri in self._uris.get(digest, ())} - targets
        since = max((_moment(self._models[uri]) for uri in targets if uri in self._models), default=None)
        lost, is_found = set(), False
        for blessing in self._artifacts("tfx.ModelBlessing", _LIVE):
            told = dict(blessing.metadata)
            uri, is_blessed = told.get(CURRENT_MODEL_URI, ""), told.get(BLESSED) == 1
            if is_blessed and (uri in taken or self._is_ours_since(uri, since)):
                self._say(blessing.name, blessed=0, withdrawn=1)
                lost.add(uri)
                continue
            if told.get(WITHDRAWN) == 1 and uri in targets:
                self._say(blessing.name, blessed=1, withdrawn=0)
                is_blessed = True
            is_found |= is_blessed and uri in targets and uri in self._models
        return Blessed(len(lost), is_found)

    def _artifacts(self, title: str, *conditions: str) -> Sequence[Any]:
        """Artifacts of a type, in the order in which they were made."""
        store = f"{self._api.parent}/metadataStores/default"
        wanted = " AND ".join([f'schema_title="{title}"', *conditions])
        request = {"parent": store, "filter": wanted, "page_size": _PAGE}
        found: list[Any] = self._api.call(
            f"list the artifacts of type {title} in {store}",
            lambda options: list(map(plain, self._api.metadata.list_artifacts(request=request, **options))),
        )
        return sorted(found, key=_moment)

    def _is_ours_since(self, uri: str, since: int | None) -> bool:
        """Whether a model was trained after that moment, by our pipeline."""
        if since is None or uri not in self._models or _moment(self._models[uri]) <= since:
            return False
        try:
            return bool(provenance(path_utils.serving_model_path(uri)).get("pipeline") == self._pipeline)
        except (OutputError, tf.errors.OpError) as e:
            # This store has the models of the whole project, in buckets that nobody but their owners may read.
            _logger.warning("%s cannot be read and is taken for another pipeline's: %s", uri, e)
            return False

    def _say(self, name: str, blessed: int, withdrawn: int) -> None:
        """Changes what a ModelBlessing says, and nothing else in it."""

        def once(options: dict[str, Any]) -> None:
            read = self._api.metadata.get_artifact(name=name, **options)
            # Numbers: the resolver's filter asks for blessed.number_value.
            told = dict(plain(read).metadata) | {BLESSED: float(blessed), WITHDRAWN: float(withdrawn)}
            changed = v1.Artifact(name=name, etag=read.etag, metadata=told)
            self._api.metadata.update_artifact(artifact=changed, update_mask={"paths": ["metadata"]}, **options)

        self._api.call(f"change the blessing {name}", lambda options: afresh(lambda: once(options)))


def _moment(artifact: Any) -> int:
    """When an artifact was made: nanoseconds since 1970."""
    return int(artifact.create_time.ToNanoseconds())
