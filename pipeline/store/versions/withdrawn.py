"""Reads and writes the list of withdrawn models, the models that a rollback took out of service.

The list is a small hidden file in the serving folder, replaced as a whole. It holds the models' digests. A model in it
is not pushed again, even if it is evaluated and blessed again; only a rollback to one of its versions brings it back.
"""

from documents.withdrawn import Withdrawn, WithdrawnModel


def withdrawn(serving_dir: str) -> dict[str, WithdrawnModel]:
    """Reads the withdrawn models.

    Args:
        serving_dir: The serving folder, local or remote.

    Returns:
        The withdrawn models by digest.

    Raises:
        OutputError: The file is damaged.
    """
    found = Withdrawn.find(serving_dir)
    return found.models if found is not None else {}


def write_withdrawn(serving_dir: str, models: dict[str, WithdrawnModel]) -> None:
    """Replaces the file with the withdrawn models.

    Args:
        serving_dir: The serving folder, local or remote.
        models: As `withdrawn` returns them.
    """
    Withdrawn(models=models).write(serving_dir, durable=True)
