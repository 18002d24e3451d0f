"""The local driver of our ExampleGens: TFX's, with an error of ours for a glob that matches nothing."""

import os
from typing import Any

from tfx.components.example_gen import driver
from tfx.dsl.io import fileio

from common.errors import DataError
from pipeline.reading import spans


class Driver(driver.FileBasedDriver):
    """Fingerprints the input files. On Vertex, TFX's own driver runs instead, and the executor checks the globs."""

    def get_input_processor(self, splits: Any, range_config: Any = None, input_base_uri: str | None = None) -> Any:
        """Checks the globs and calls the base class.

        Raises:
            DataError: A glob matches no file.
        """
        for split in splits:
            require_match(spans.as_glob(os.path.join(input_base_uri or "", split.pattern)))
        return super().get_input_processor(splits, range_config, input_base_uri)


def require_match(glob: str) -> None:
    """Checks that a glob matches something.

    Raises:
        DataError: It matches no file.
    """
    found = fileio.glob(glob)
    if not found:
        raise DataError(f"{glob}: no file matches. Check the config's path, which starts at the YAML's folder.")
    if all(fileio.isdir(path) for path in found):
        raise DataError(f"{glob}: is a folder, not a file. Name the files in it, such as {glob.rstrip('/')}/*.csv.")
