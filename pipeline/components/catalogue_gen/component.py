"""CatalogueGen turns the catalogue into one Example per item, all in one split, `train`."""

from tfx import types
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from configs.catalogue import CatalogueSettings
from configs.ids import Ids
from pipeline.components.catalogue_gen import executor
from pipeline.reading.example_gen import FileGen


class CatalogueGenSpec(component_spec.ComponentSpec):
    """TFX's file-based ExampleGen spec plus the log's Examples."""

    PARAMETERS = standard_component_specs.FileBasedExampleGenSpec.PARAMETERS
    INPUTS = {executor.INTERACTIONS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = standard_component_specs.FileBasedExampleGenSpec.OUTPUTS


class CatalogueGen(FileGen):
    """Reads the catalogue and adds the items that only the log has.

    Component `outputs` contains:
     - `examples`: Channel of type `standard_artifacts.Examples`, one Example per item, with the split `train`.
    """

    SPEC_CLASS = CatalogueGenSpec
    EXECUTOR = executor.Executor

    def __init__(
        self,
        catalogue: CatalogueSettings | None,
        path: str | dict[str, str],
        interactions: types.BaseChannel,
        folder_parameter: str | None = None,
        ids: Ids | None = None,
    ) -> None:
        """Declares the component.

        Args:
            catalogue: How the catalogue is read; None if there is no catalogue: then all items come from the log.
            path: The catalogue's glob, local or `gs://`; without a catalogue the log's glob, for the fingerprint.
            interactions: InteractionGen's Examples.
            folder_parameter: Name of a RuntimeParameter by which a run may read the same pattern in another folder.
            ids: How ids are read; None: as they are written.
        """
        fields = set(CatalogueSettings.model_fields)
        values = None if catalogue is None else catalogue.model_dump(mode="json", include=fields)
        super().__init__(
            values={executor.CATALOGUE_KEY: values, executor.IDS_KEY: (ids or Ids()).model_dump(mode="json")},
            paths={executor.SPLIT: path} if isinstance(path, str) else path,
            output_splits=(),
            folder_parameter=folder_parameter,
            **{executor.INTERACTIONS_KEY: interactions},
        )
