"""CatalogueGen: the catalogue as one Example per item, in the one split `train`."""

from tfx import types
from tfx.components.example_gen import component
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

from configs.data import Catalogue
from pipeline.components.catalogue_gen import executor
from pipeline.reading import settings
from pipeline.reading.driver import Driver


class CatalogueGenSpec(types.ComponentSpec):
    """TFX's file-based ExampleGen spec plus the log's Examples."""

    PARAMETERS = standard_component_specs.FileBasedExampleGenSpec.PARAMETERS
    INPUTS = {executor.INTERACTIONS_KEY: ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = standard_component_specs.FileBasedExampleGenSpec.OUTPUTS


class CatalogueGen(component.FileBasedExampleGen):
    """Reads the catalogue and adds the interacted items that it lacks.

    A real file-based ExampleGen, as InteractionGen is. Its output channel is `examples`.
    """

    SPEC_CLASS = CatalogueGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        catalogue: Catalogue | None,
        path: str | dict[str, str],
        interactions: types.BaseChannel,
        code_digest: str,
        folder_parameter: str | None = None,
    ) -> None:
        """Declares the component.

        Args:
            catalogue: How the catalogue is read; None for a log without one, whose items are those of the log.
            path: The catalogue's glob, local or `gs://`; without a catalogue the log's, for the fingerprint.
            interactions: InteractionGen's Examples.
            code_digest: Digest of the code that runs, so that the cache does not answer for older code.
            folder_parameter: Name of a RuntimeParameter by which a run may read the same pattern in another folder.
        """
        by_split = {executor.SPLIT: path} if isinstance(path, str) else path
        base, patterns = settings.split_globs(by_split)
        unplaced = None if catalogue is None else catalogue.model_copy(update={"path": ""}).model_dump(mode="json")
        spec = CatalogueGenSpec(
            input_base=settings.input_base(base, folder_parameter),
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name=name, pattern=glob) for name, glob in patterns.items()]
            ),
            output_config=example_gen_pb2.Output(),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            custom_config=settings.pack({executor.CATALOGUE_KEY: unplaced, "code_digest": code_digest}),
            interactions=interactions,
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        # FileBasedExampleGen.__init__ makes a spec of its own, without our input: its base class takes ours.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
