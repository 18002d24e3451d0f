"""The local driver of our ExampleGens: TFX's, with an error of ours for a glob that matches nothing."""

import os
from typing import Any

from tfx.components.example_gen import driver

from pipeline.reading import spans
from pipeline.reading.event_files import OPTIONAL
from pipeline.reading.files import require_match


class Driver(driver.FileBasedDriver):
    """Fingerprints the input files. On Vertex, TFX's own driver runs instead, and the executor checks the globs."""

    def get_input_processor(self, splits: Any, range_config: Any = None, input_base_uri: str | None = None) -> Any:
        """Checks the globs and calls the base class.

        Raises:
            DataError: A glob matches no file.
        """
        for split in splits:
            if split.name not in OPTIONAL:
                require_match(spans.as_glob(os.path.join(input_base_uri or "", split.pattern)))
        return super().get_input_processor(splits, range_config, input_base_uri)
