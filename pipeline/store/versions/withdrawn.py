"""Models that a rollback took out of service: their digests, in a file of the serving folder.

A model whose digest is here is not pushed again, even if it is evaluated and blessed anew; only a rollback that names
one of its versions brings it back. The file is small, hidden, and replaced whole.
"""

from documents.withdrawn import Withdrawn, WithdrawnModel


def withdrawn(serving_dir: str) -> dict[str, WithdrawnModel]:
    """What is out of service.

    Args:
        serving_dir: The serving folder, local or remote.

    Returns:
        By model digest.

    Raises:
        OutputError: The file is damaged.
    """
    found = Withdrawn.find(serving_dir)
    return found.models if found is not None else {}


def write_withdrawn(serving_dir: str, models: dict[str, WithdrawnModel]) -> None:
    """Replaces the file.

    Args:
        serving_dir: The serving folder, local or remote.
        models: As `withdrawn` returns them.
    """
    Withdrawn(models=models).write(serving_dir, durable=True)
