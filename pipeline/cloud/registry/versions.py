"""Lists the model's versions in the Model Registry, and registers a pushed model as a version exactly once.

A version's description holds the model's digest, since each version has its own description. The labels have the digest
too, for people and filters, but when they are read they are merged with the model's labels (UpdateModelRequest in
https://cloud.google.com/vertex-ai/docs/reference/rpc/google.cloud.aiplatform.v1).
"""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi, at_work, carried_out

DIGEST_LABEL = "model_digest"

_LABEL_CHARACTERS = 63
"""Google Cloud's limit for a label's value; a digest has one character more."""

_DESCRIBED = re.compile(r"model_digest: ([0-9a-f]{64})\b")

_UPLOAD_SECONDS = 30 * 60
"""Longest wait for an upload. Google Cloud documents no time; a model has some GB at most."""

_LOOK_AGAIN_SECONDS = (0.0, 2.0, 5.0, 10.0, 20.0)
"""Pauses before each look for the operation or version of an upload whose reply was lost."""

_sleep = time.sleep


@dataclass(frozen=True)
class Pushed:
    """A model in the serving folder."""

    digest: str
    """SHA-256, 64 hexadecimal digits."""

    path: str
    """The version's folder, `gs://…/<number>`."""

    run: str = ""
    """The id of the pipeline's run that registers it; empty if no run does."""


@dataclass(frozen=True)
class Registered:
    """One version in the registry."""

    number: int
    """The version's id, counted from 1."""

    digest: str
    """The model's digest; empty if somebody else registered this version."""

    aliases: frozenset[str]
    path: str
    """The folder that it was uploaded from."""


def registered(api: RegistryApi, target: Target) -> list[Registered]:
    """Lists all versions, the oldest first; empty if the model does not exist.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    return api.call(f"list the versions of {target.model}", lambda options: _list(api, target, options))


def holder(versions: Iterable[Registered], alias: str) -> Registered | None:
    """Returns the version that has an alias; None if no version has it."""
    return next((version for version in versions if alias in version.aliases), None)


def register(api: RegistryApi, target: Target, pushed: Pushed) -> tuple[Registered, bool]:
    """Registers a pushed model as a version, unless it is registered already. Aliases do not move.

    Args:
        api: Google Cloud.
        target: The registry's model that gets the version; it is created if it is missing.
        pushed: The model to upload.

    Returns:
        The version, and whether it is new.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    is_sent = False

    found: list[Registered] = []

    def begin(options: dict[str, Any]) -> Any:
        nonlocal is_sent
        # If a reply was lost, the upload may still go on: a second upload would make a second version.
        for pause in _LOOK_AGAIN_SECONDS if is_sent else (0.0,):
            _sleep(pause)
            # In this order: an upload that ends between the two calls is then in the list of versions.
            busy, versions = at_work(api.models, target.model, options), _list(api, target, options)
            found[:] = [version for version in versions if version.digest == pushed.digest]
            if found or busy:
                return None if found else busy
        is_sent = True
        return api.models.upload_model(request=_request(target, pushed, is_there=bool(versions)), **options)

    doing = f"register {pushed.path} as a version of {target.model}"
    done = carried_out(api, doing, begin, _UPLOAD_SECONDS)
    if done is None:
        return found[-1], is_sent
    name = f"{target.model}@{done.model_version_id}"
    return api.call(doing, lambda options: _registered(api.models.get_model(name=name, **options))), True


def _list(api: RegistryApi, target: Target, options: Mapping[str, Any]) -> list[Registered]:
    try:
        listed = list(api.models.list_model_versions(name=target.model, **options))
    except exceptions.NotFound:
        return []
    return sorted(map(_registered, listed), key=lambda version: version.number)


def _request(target: Target, pushed: Pushed, is_there: bool) -> Any:
    labels = {DIGEST_LABEL: pushed.digest, "pipeline": target.pipeline, "run": pushed.run}
    model = v1.Model(
        display_name=target.model_id,
        artifact_uri=pushed.path,
        container_spec=v1.ModelContainerSpec(image_uri=target.registry.serving_image),
        labels={key: _label(value) for key, value in labels.items() if value},
        version_description=f"model_digest: {pushed.digest}; pushed to {pushed.path}",
    )
    # The first version gives the model its id; all others name the model as their parent.
    parent_or_id = {"parent_model": target.model} if is_there else {"model_id": target.model_id}
    return v1.UploadModelRequest(parent=target.location, model=model, **parent_or_id)


def _label(value: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", value.lower())[:_LABEL_CHARACTERS]


def _registered(model: Any) -> Registered:
    described = _DESCRIBED.search(model.version_description)
    return Registered(
        number=int(model.version_id),
        # Not from the label: for a version that somebody else uploaded, the API returns the model's labels too.
        digest=described[1] if described else "",
        aliases=frozenset(model.version_aliases),
        path=model.artifact_uri,
    )
