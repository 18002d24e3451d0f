"""InteractionGen: the interaction log as one Example per user, in splits `train` and `eval`."""

from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from configs.data import Log
from pipeline.components.interaction_gen import executor
from pipeline.reading import settings
from pipeline.reading.driver import Driver


class InteractionGen(component.FileBasedExampleGen):
    """Reads, cleans, groups and splits the interaction log.

    A real file-based ExampleGen: on both runners its driver fingerprints the input files, so that new data is never
    answered from the cache. Its output channel is `examples`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self, log: Log, paths: str | dict[str, str], code_digest: str, folder_parameter: str | None = None
    ) -> None:
        """Declares the component.

        Args:
            log: How the log is read, cleaned and split; its own `path` is not looked at.
            paths: The log's glob, local or `gs://`; with the `given` split one each for `train` and `eval`.
            code_digest: Digest of the code that runs, so that the cache does not answer for older code.
            folder_parameter: Name of a RuntimeParameter by which a run may read the same patterns in another folder.
        """
        by_split = {"log": paths} if isinstance(paths, str) else dict(paths)
        base, patterns = settings.split_globs(by_split)
        unplaced = log.model_copy(update={"path": "" if isinstance(paths, str) else dict.fromkeys(by_split, "")})
        super().__init__(
            input_base=settings.input_base(base, folder_parameter),
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name=name, pattern=glob) for name, glob in patterns.items()]
            ),
            # With one input split TFX wants output splits named; the executor divides by the config, not by buckets.
            output_config=example_gen_pb2.Output()
            if len(patterns) > 1
            else example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=[example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=1) for name in ("train", "eval")]
                )
            ),
            custom_config=settings.pack(
                {executor.LOG_KEY: unplaced.model_dump(mode="json"), "code_digest": code_digest}
            ),
        )
