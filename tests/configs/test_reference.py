"""`docs/config.md`: it is current, and describes every field of the YAML."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from configs.base import Settings
from configs.pipeline import PipelineConfig
from configs.reference import Section, reference, sections

FILE = Path(__file__).resolve().parents[2] / "docs/config.md"
SECTIONS = list(sections(PipelineConfig))


def test_page_is_current():
    assert FILE.read_text(encoding="utf-8") == reference(), "docs/config.md is not current: run `make docs`"


def test_page_has_every_model_that_a_yaml_can_hold():
    # By the JSON schema, which pydantic makes without our walk.
    expected = {*PipelineConfig.model_json_schema()["$defs"], "PipelineConfig"}
    assert {section.model.__name__ for section in SECTIONS} == expected


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.heading)
def test_model_and_each_of_its_fields_has_a_docstring(section: Section) -> None:
    assert section.model.__doc__ != Settings.__doc__
    assert [name for name, field in section.model.model_fields.items() if not field.description] == []


class Oven(Settings):
    """An oven.

    It has a door.

    Example:
        oven: {heat: 200}
    """

    heat: int = Field(ge=0, le=300)
    """Heat of the oven, at a length of text for which a line of a hundred and twenty characters is too short by 5 %."""

    bake_seconds: float | None = Field(default=None, gt=0)
    """Time to bake.

    None: by eye.
    """

    mode: Literal["fan", "grill"] = "fan"
    """How it heats."""


class Kitchen(Settings):
    """A kitchen."""

    oven: Oven
    """The oven."""

    spare_ovens: dict[str, Oven] = {}
    """Other ovens."""

    names: tuple[str, ...] = ("a b", "c")
    """Names."""


EXPECTED = """\
## The whole file

A kitchen.

- `oven` (section [`oven`](#oven); required). The oven.
- `spare_ovens` (mapping of names to section [`oven`](#oven); optional). Other ovens.
- `names` (list of text; default `["a b", "c"]`). Names.

## `oven`

An oven.

It has a door.

```yaml
oven: {heat: 200}
```

- `heat` (whole number from 0 to 300; required). Heat of the oven, at a length of text for which a line of a hundred and
  twenty characters is too short by 5 %.
- `bake_seconds` (number, above 0, in seconds; default: none). Time to bake.

  None: by eye.
- `mode` (`fan` or `grill`; default `fan`). How it heats.
"""


def test_reference_of_a_small_config_is_as_written_by_hand():
    assert reference(Kitchen).partition("\n## ")[2] == EXPECTED.removeprefix("## ")
