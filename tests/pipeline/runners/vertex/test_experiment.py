from pathlib import Path

import pytest

from configs.load import load_config
from pipeline.cloud.client import Api
from pipeline.runners.vertex.experiment import join_experiment
from tests.pipeline.runners.vertex.conftest import QUICK, WriteConfig
from tests.pipeline.runners.vertex.stages import stage
from tests.pipeline.runners.vertex.test_submit import submit
from tests.vertex_api import Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.faults import permission_denied
from tests.vertex_api.resources import PARENT

CONTEXTS = f"{PARENT}/metadataStores/default/contexts"
EXPERIMENT = f"{CONTEXTS}/recommenders"
RUN = f"{CONTEXTS}/movielens-100k-1"


@pytest.fixture
def begun(cloud: Cloud) -> None:
    """A run has its context at the second look."""
    cloud.metadata.put(RUN, "system.PipelineRun")
    with_context = stage("RUNNING")
    with_context.job_detail.pipeline_run_context.name = RUN
    cloud.pipelines.plan(stage("PENDING"), with_context)


@pytest.mark.usefixtures("begun")
def test_submit_experiment_is_made_once_and_has_the_runs(
    cloud: Cloud, write_config: WriteConfig, job_file: Path
) -> None:
    config = write_config(experiment="recommenders")

    assert submit(config, job_file, "--without-estimate") == 0
    assert submit(config, job_file, "--without-estimate") == 0

    assert cloud.metadata.contexts[EXPERIMENT].schema_title == "system.Experiment"
    assert cloud.metadata.contexts[RUN].parent_contexts == [EXPERIMENT, EXPERIMENT]
    assert len(cloud.api.received("CreateContext")) == 1


def test_submit_experiment_refused_starts_no_run(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreateContext", permission_denied("aiplatform.contexts.create", PARENT))

    assert submit(write_config(experiment="recommenders"), job_file, "--without-estimate") == 1

    assert "aiplatform.contexts.create" in capsys.readouterr().err
    assert cloud.pipelines.jobs == {}


def test_submit_experiment_of_another_kind_starts_no_run(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.metadata.put(EXPERIMENT, "system.Pipeline")

    assert submit(write_config(experiment="recommenders"), job_file, "--without-estimate") == 1

    assert "cannot use recommenders as an experiment" in capsys.readouterr().err
    assert cloud.pipelines.jobs == {}


@pytest.mark.usefixtures("begun")
def test_submit_experiment_lost_afterwards_is_a_warning(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("AddContextChildren", Refuse(400, "no more children"))

    assert submit(write_config(experiment="recommenders"), job_file, "--without-estimate") == 0

    said = capsys.readouterr().err
    assert "Warning" in said and "no more children" in said


def test_join_experiment_run_without_context_in_time_is_not_in_it(cloud: Cloud, write_config: WriteConfig) -> None:
    job = cloud.pipelines.put("movielens-100k-1", stage("PENDING"))
    vertex = load_config(write_config()).vertex
    assert vertex is not None

    assert not join_experiment(Api(vertex, QUICK), "recommenders", job.name, wait_seconds=0)
