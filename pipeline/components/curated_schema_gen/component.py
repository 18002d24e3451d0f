"""CuratedSchemaGen imports a schema file, as TFX's ImportSchemaGen does, but notices when the file changes.

ImportSchemaGen's cache key holds only the file's path: after an edit, the cache still returns the old schema.
"""

from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from pipeline.ground.places import CuratedSchema


class CuratedSchemaGenSpec(component_spec.ComponentSpec):
    """ImportSchemaGen's spec plus the digest of the file."""

    PARAMETERS = {
        **standard_component_specs.ImportSchemaGenSpec.PARAMETERS,
        "schema_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.ImportSchemaGenSpec.INPUTS
    OUTPUTS = standard_component_specs.ImportSchemaGenSpec.OUTPUTS


class CuratedSchemaGen(base_component.BaseComponent):
    """Copies a schema file into the run.

    Component `outputs` contains:
     - `schema`: Channel of type `standard_artifacts.Schema`.
    """

    SPEC_CLASS = CuratedSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema: CuratedSchema) -> None:
        """Declares the component.

        Args:
            schema: The file and the digest of its content.
        """
        super().__init__(
            spec=CuratedSchemaGenSpec(
                schema_file=schema.path,
                schema_digest=schema.digest,
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
