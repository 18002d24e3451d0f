"""What a record says of an artifact's type."""

import pytest

from common.errors import JobError
from pipeline.job.rehearsal.records import Artifact


def artifact(**of_type: str) -> Artifact:
    return Artifact("projects/1/artifacts/a", "gs://bucket/a", of_type, {}, 0.0)


def test_title_is_the_named_one_or_that_of_the_schema() -> None:
    assert artifact(schemaTitle="system.Model").title == "system.Model"
    assert artifact(instanceSchema="title: tfx.Model\ntype: object\n").title == "tfx.Model"
    assert artifact(instanceSchema="type: object").title == artifact(instanceSchema="").title == artifact().title == ""


@pytest.mark.parametrize("schema", ["title: [", "title: 2020-99-99", "[" * 600, "a: &a [x]\ntitle: *a"])
def test_title_of_a_schema_that_cannot_be_read_is_reported(schema: str) -> None:
    with pytest.raises(JobError, match="artifact projects/1/artifacts/a: the type's schema is not YAML: "):
        _ = artifact(instanceSchema=schema).title
