"""What a config may not ask of a log without times."""

import pytest
from pydantic import ValidationError

from configs.pipeline import PipelineConfig


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"trainer": {"kind": "blend", "validation": "time"}}, "trainer.validation"),
        ({"trainer": {"kind": "popularity", "days": 7}}, "trainer.days"),
        (
            {"trainer": {"kind": "blend", "parts": [{"kind": "popularity", "days": 7}, {"kind": "ials"}]}},
            "trainer.parts.0.days",
        ),
        (
            {"compare": {"candidates": {"ials": {"kind": "ials"}, "recent": {"kind": "popularity", "days": 7}}}},
            "compare.candidates.recent.days",
        ),
    ],
)
def test_what_needs_times_is_refused_for_a_log_without_them(section, named):
    log = {"path": "x.csv", "columns": {}, "split": {"method": "random"}}
    with pytest.raises(ValidationError, match=f"{named} needs times, and the log has none"):
        PipelineConfig.model_validate({"name": "shop", "log": log, **section})
