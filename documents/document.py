"""The base of all documents: reads, checks and writes them, and raises errors that say what to do."""

import errno
import json
import os
import posixpath
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from common.atomicity import is_local, write_text
from common.errors import OutputError, PerennialError

_ECHO_CHARACTERS = 80
"""Longest part of a damaged value that a message repeats."""

_FIRST_VERSION = 1

D = TypeVar("D", bound="Document")


class Values(BaseModel):
    """Base of a document and of everything nested in it.

    Values must have the declared types and are never converted. A reader ignores a field that it does not know, so that
    a field may be added without a new format version.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
        # Pydantic reserves names that begin with `model_`, and warns about `model_digest`.
        protected_namespaces=(),
    )


class _Versioned(Values):
    """The format version, which is read first."""

    # Pushed versions, and models that a run starts from, outlive a release; the first format had no version field.
    format_version: int = _FIRST_VERSION


class Document(Values):
    """Base of a JSON document that is a file in some folder.

    A subclass names its file. It overrides `format_version` with a higher number when a field changes its meaning or is
    removed. If the document is nested in another one, that one's number must rise too.
    """

    FILE: ClassVar[str]
    """The file, relative to the folder that holds the document."""

    TO_DO: ClassVar[str] = "Delete the folder that holds it and run again: the pipeline then writes a new one."
    """What a person can do if the file cannot be used."""

    format_version: int = _FIRST_VERSION
    """The format of this file."""

    @classmethod
    def current_format(cls) -> int:
        """Returns the format version that this code writes and reads."""
        return int(cls.model_fields["format_version"].default)

    @classmethod
    def parse(
        cls: type[D],
        content: str | bytes,
        where: str,
        error: type[PerennialError] = OutputError,
        to_do: str | None = None,
    ) -> D:
        """Reads a document from its JSON.

        Args:
            content: The JSON.
            where: The path that the error message names.
            error: The class of the error.
            to_do: The advice in the error message; `TO_DO` by default.

        Returns:
            The document.

        Raises:
            PerennialError: Of the class `error`: the JSON is damaged, or has a format that this code does not read.
        """
        advice = cls.TO_DO if to_do is None else to_do
        ours = cls.current_format()
        try:
            found = _Versioned.model_validate_json(content).format_version
            if found == ours:
                return cls.model_validate_json(content)
        except ValidationError as e:
            raise error(f"{where} is damaged: {_fault(e)}. {advice}".rstrip()) from e
        if found > ours:
            advice = "A newer version of Perennial wrote it: upgrade Perennial." + (f" Or: {advice}" if advice else "")
        raise error(f"{where} has format version {found}, but this code reads version {ours}. {advice}".rstrip())

    @classmethod
    def read(cls: type[D], folder: str | os.PathLike[str], error: type[PerennialError] = OutputError) -> D:
        """Reads the document of a folder that must have it.

        Args:
            folder: Local or remote.
            error: The class of the error.

        Returns:
            The document.

        Raises:
            PerennialError: Of the class `error`: the file is missing, or `parse` raised it.
            OSError: A local file cannot be read.
            tf.errors.OpError: A remote file cannot be read.
        """
        found = cls.find(folder, error)
        if found is None:
            raise error(f"{cls._path(folder)} is missing. {cls.TO_DO}")
        return found

    @classmethod
    def find(
        cls: type[D],
        folder: str | os.PathLike[str],
        error: type[PerennialError] = OutputError,
        to_do: str | None = None,
    ) -> D | None:
        """Reads the document of a folder that may lack it; see `read`.

        Returns:
            The document; None if there is no such file.
        """
        path = cls._path(folder)
        try:
            content = _read(path)
        except FileNotFoundError:
            return None
        return cls.parse(content, path, error, to_do)

    def to_json(self) -> str:
        """Returns the document as JSON text that ends with a line break."""
        return json.dumps(self.to_values(), indent=2, ensure_ascii=False) + "\n"

    def to_values(self) -> dict[str, Any]:
        """Returns the document as JSON values, under the names that the file has."""
        return self.model_dump(by_alias=True)

    def write(self, folder: str | os.PathLike[str], *, durable: bool = False) -> None:
        """Writes the file, whole or not at all.

        Args:
            folder: Local or remote; it is made if it is missing.
            durable: Whether a local file must be on the disk when this returns, also after a power failure.

        Raises:
            OutputError: The file cannot be written.
        """
        path = self._path(folder)
        errors: tuple[type[Exception], ...] = (OSError,)
        if not is_local(path):
            import tensorflow as tf

            errors = (OSError, tf.errors.OpError)
        try:
            write_text(path, self.to_json(), durable=durable)
        except errors as e:
            raise OutputError(
                f"{path}: cannot be written ({e}). Free or unlock the folder, or choose another one."
            ) from e

    @classmethod
    def _path(cls, folder: str | os.PathLike[str]) -> str:
        return posixpath.join(os.fspath(folder), cls.FILE)


def _fault(error: ValidationError) -> str:
    """Describes the first fault that pydantic found: the field, what is wrong, and the value."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(map(str, fault["loc"]))
    value = repr(fault["input"])
    value = value if len(value) <= _ECHO_CHARACTERS else f"{value[:_ECHO_CHARACTERS]}…"
    return f"{field and f'{field}: '}{fault['msg']}. Received: {value}"


def _read(path: str) -> bytes:
    if is_local(path):
        with open(path, "rb") as local:
            return local.read()
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as remote:
            return bytes(remote.read())
    except tf.errors.NotFoundError as e:
        raise FileNotFoundError(errno.ENOENT, e.message, path) from e
