"""The project's own errors.

Every message says what is wrong, where, what came, and what to do. Commands catch
`PerennialError`, print the message, and catch nothing wider.
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
    """DataGate stopped the run: the data is far from what the last blessed model learned from, or nothing says what."""


class TrainingError(PerennialError):
    """Training cannot start, or produced something that must not be exported."""


class WarmStartError(TrainingError):
    """A base model cannot be started from; training then starts cold."""


class ModelError(PerennialError):
    """A served model is missing or cannot answer."""


class ModelUnavailableError(PerennialError):
    """A model could not be read or asked for a reason that may pass; the model itself may be sound."""


class OutputError(PerennialError):
    """A result cannot be written where it belongs."""


class LockedError(PerennialError):
    """Another process is at work on the same pipeline, and the config says not to wait."""


class RunError(PerennialError):
    """The run that was asked for is not in the metadata store."""


class MachineError(PerennialError):
    """This machine cannot run the pipeline."""


class JobError(PerennialError):
    """A compiled Vertex job cannot be used, or one of its tasks failed in rehearsal."""


class VertexError(PerennialError):
    """Google Cloud refused what was asked of it, or could not be reached."""
