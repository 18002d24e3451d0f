"""assets.extra/serving_requests.json in a SavedModel: requests with the trainer's own answers, for ServingCheck.

`replay.py` reads it in a process without this package, which gets the file's name and format version as options.
"""

from typing import ClassVar, Literal

from documents.document import Document, Values


class StringTensor(Values):
    """A tensor of strings."""

    dtype: Literal["string"] = "string"
    shape: tuple[int, ...]
    """All columns; of a wide answer, only the first ones are stored."""

    values: tuple[str, ...]
    """The stored columns, row by row, each value in base64."""


class NumberTensor(Values):
    """A tensor of numbers or flags."""

    dtype: str
    shape: tuple[int, ...]
    """As in `StringTensor`."""

    data: str
    """The stored columns, row by row: little-endian bytes in base64, which keep every bit, and NaN."""


StoredTensor = StringTensor | NumberTensor


class StoredRequest(Values):
    """One request and the trainer's answer."""

    signature: str
    name: str
    """What is special about the request."""

    edge: bool
    """Whether real users do not send such a request; then it is neither timed nor used for the warm-up."""

    inputs: dict[str, StoredTensor]
    outputs: dict[str, StoredTensor]


class SignatureKinds(Values):
    """Inputs and outputs of a signature: name to dtype."""

    inputs: dict[str, str]
    outputs: dict[str, str]


class ServingRequests(Document):
    """The requests that a model carries."""

    FILE: ClassVar[str] = "assets.extra/serving_requests.json"
    TO_DO: ClassVar[str] = "It is part of the model: delete the folder of the model's version and run again."

    signatures: dict[str, SignatureKinds]
    """By name."""

    requests: tuple[StoredRequest, ...]
