"""The project's own errors.

Every message says what is wrong, where it is, what was received, and what to do. Commands catch `PerennialError`,
print the message, and catch nothing wider.
"""


class PerennialError(Exception):
    """Base of every error that Perennial raises on purpose."""


class ConfigError(PerennialError):
    """A configuration file or setting cannot be used."""


class DataError(PerennialError):
    """The log or the catalogue cannot be used."""


class DataSetError(PerennialError):
    """A sample data set could not be fetched or failed its digest."""


class AnomalyError(DataError):
    """DataGate stopped the run: the statistics do not fit the schema."""


class DriftError(DataError):
    """DataGate stopped the run: the data has drifted from the last blessed model's, or the record of that is lost."""


class TrainingError(PerennialError):
    """Training cannot start, or produced something that must not be exported."""


class CandidateError(TrainingError):
    """A candidate of a comparison cannot be trained with its settings; the comparison goes on without it."""


class WarmStartError(TrainingError):
    """Training cannot start from the base model; it then starts cold."""


class ModelError(PerennialError):
    """A served model is missing or cannot answer."""


class ModelUnavailableError(PerennialError):
    """A model could not be read or asked for a reason that may be temporary; the model itself may be sound."""


class OutputError(PerennialError):
    """A result cannot be written where it belongs."""


class LockedError(PerennialError):
    """Another process is running the same pipeline, and the config does not allow waiting."""


class RunError(PerennialError):
    """The run that was asked for is not in the metadata store."""


class MachineError(PerennialError):
    """This machine cannot run the pipeline."""


class ForkError(PerennialError):
    """The process from which others are forked has ended."""


class JobError(PerennialError):
    """A compiled Vertex job cannot be used, or one of its tasks failed in rehearsal."""


class VertexError(PerennialError):
    """Google Cloud refused a request, or could not be reached."""


class QueryError(PerennialError):
    """A query of the service cannot be answered: it is malformed, names what is not there, or asks for too much."""
