"""The base of our ExampleGens: TFX's file-based one, whose driver fingerprints the input files on both runners.

So the cache never returns an old result for new data. Vertex runs that driver only for subclasses of
`FileBasedExampleGen`.
"""

from typing import Any, ClassVar

from tfx import types
from tfx.components.example_gen import component
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import CODE_DIGEST
from pipeline.reading import settings
from pipeline.reading.driver import Driver


class FileGen(component.FileBasedExampleGen):
    """A file-based ExampleGen with an executor of ours, which gets its settings as JSON in `custom_config`."""

    EXECUTOR: ClassVar[type[base_beam_executor.BaseBeamExecutor]]
    """The executor."""

    DRIVER_CLASS = Driver

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Builds TFX's class attribute."""
        super().__init_subclass__(**kwargs)
        cls.EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(cls.EXECUTOR)

    def __init__(
        self,
        values: dict[str, Any],
        paths: dict[str, str],
        output_splits: tuple[str, ...],
        folder_parameter: str | None,
        **channels: types.BaseChannel,
    ) -> None:
        """Declares the component.

        Args:
            values: JSON values for the executor, which reads them with `reading.settings.unpack`.
            paths: Globs by input split, local or `gs://`.
            output_splits: The splits that the executor makes from a single input split. Empty: TFX takes the names of
                the input splits.
            folder_parameter: Name of a RuntimeParameter by which a run may read the same patterns in another folder.
            **channels: Further inputs of the spec.
        """
        base, patterns = settings.split_globs(paths)
        output = example_gen_pb2.Output()
        for name in output_splits:
            # TFX requires a name and buckets for each output split; the executor splits as the config says instead.
            output.split_config.splits.add(name=name, hash_buckets=1)
        spec = self.SPEC_CLASS(
            input_base=settings.input_base(base, folder_parameter),
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name=name, pattern=glob) for name, glob in patterns.items()]
            ),
            output_config=output,
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            custom_config=settings.pack({**values, CODE_DIGEST: code_digest(self.EXECUTOR.__module__)}),
            examples=types.Channel(type=standard_artifacts.Examples),
            **channels,
        )
        # FileBasedExampleGen.__init__ makes its own spec, without further inputs; its base class accepts our spec.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
