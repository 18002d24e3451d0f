"""The Beam stages against the same neighbours found in memory."""

import os

import apache_beam as beam
import dask
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from dask.distributed import Client, LocalCluster, get_task_stream

from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import cosine_of, matrix_of, table_of
from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.item_item.beam import BLOCK, CosineNeighbours
from trainer.models.item_item.cosine import cosine_neighbours
from trainer.models.item_item.counting import columns, user_items
from trainer.models.item_item.dimsum import thinning
from trainer.models.item_item.neighbours import Neighbours

pytestmark = pytest.mark.e2e

DASK = "apache_beam.runners.dask.dask_runner.DaskRunner"
"""It computes the result of the last transform alone, which is enough for stages with one sink."""


def _by_beam(folder, log, cuts, items, width, settings, seed=0, runner="DirectRunner", options=()):
    """Runs the stages on shards of users; the result comes through a file, because Beam copies what it runs."""
    path = str(folder / "neighbours.npz")

    def write(blocks):
        item, weight = np.zeros((items, width), np.int32), np.zeros((items, width), np.float32)
        for first, block in blocks:
            item[first : first + len(block.item)] = block.item
            weight[first : first + len(block.item)] = block.weight
        np.savez(path, item=item, weight=weight, process=os.getpid())

    shards = [log.take(rows) for rows in np.split(np.arange(log.users), cuts)]
    with beam.Pipeline(runner=runner, options=PipelineOptions(list(options))) as pipeline:
        found = pipeline | beam.Create(shards) | CosineNeighbours(items, width, settings, seed)
        _ = found | beam.combiners.ToList() | beam.Map(write)
    if runner == DASK:
        pipeline.result.client.close()  # the runner leaves it open
    with np.load(path) as arrays:
        return Neighbours(arrays["item"], arrays["weight"])


@pytest.mark.parametrize(("threshold", "shrinkage"), [(0, 0), (0, 10), (0.9, 0), (0.9, 10)])
def test_beam_equals_memory_bit_by_bit(tmp_path, threshold, shrinkage):
    items = 2 * BLOCK + 50  # the last block is cut
    rare, popular = random_histories(900, items, seed=8), random_histories(900, 12, seed=9)
    histories = [sorted({*_of(rare, user), *_of(popular, user)} - {-1}) for user in range(900)]
    rng = np.random.default_rng(2)
    log = interactions_of(histories, weights=[rng.choice([2.0, 6.0], len(items)).tolist() for items in histories])
    # With an activity_exponent, sums in another order differ in the last bit.
    settings = ItemItem(threshold=threshold, shrinkage=shrinkage, use_event_weights=shrinkage > 0, activity_exponent=0)
    thin = thinning(columns(user_items(log, items, settings.use_event_weights)), threshold)
    assert np.sum(thin.probability < 1) > 3 if threshold else np.all(thin.probability == 1)
    expected = cosine_neighbours(log, items, 20, settings, seed=5)
    found = _by_beam(tmp_path, log, [200, 210, 700], items, 20, settings, seed=5)
    np.testing.assert_array_equal(found.item, expected.item)
    np.testing.assert_array_equal(found.weight, expected.weight)


def test_beam_at_a_threshold_is_inside_the_error_bound(tmp_path):
    rng = np.random.default_rng(1)
    chance = np.geomspace(0.7, 0.05, 10)
    log = interactions_of([np.flatnonzero(rng.random(10) < chance).tolist() for _ in range(3000)])
    met = matrix_of(log, 10)
    cosine = cosine_of(met)
    thin = thinning(columns(user_items(log, 10, True)), 0.5)
    first, second = np.nonzero(cosine)
    bound = thin.error_bound(cosine[first, second], first, second)
    found = table_of(
        _by_beam(tmp_path, log, [1000], 10, 10, ItemItem(threshold=0.5, shrinkage=0, activity_exponent=0)), 10
    )
    error = np.abs(found[first, second] / cosine[first, second] - 1)
    # The bound is a standard error; of 45 pairs, none should be 4 of these off.
    assert np.all(error <= 4 * bound + 1e-6)
    assert np.median(error) > 0.01


def test_beam_of_users_without_interactions_gives_nothing(tmp_path):
    found = _by_beam(tmp_path, interactions_of([[], []]), [1], 5, 3, ItemItem())
    assert not found.weight.any()


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of Dask; its own timeouts are too short for a busy machine."""
    comm = {"connect": "120s", "tcp": "300s"}
    with (
        dask.config.set({"distributed.comm.timeouts": comm, "distributed.nanny.environ.OMP_NUM_THREADS": "1"}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
    ):
        yield cluster


@pytest.mark.parametrize("threshold", [0, 0.9])
def test_dask_with_two_worker_processes_equals_the_direct_runner_bit_by_bit(tmp_path, cluster, threshold):
    items = BLOCK + 50
    log, cuts = random_histories(400, items, seed=3, longest=60), range(50, 400, 50)
    settings = ItemItem(threshold=threshold, use_event_weights=True, activity_exponent=0)
    options = [f"--dask_client_address={cluster.scheduler_address}", "--dask_npartitions=8"]
    with Client(cluster) as client, get_task_stream(client) as tasks:
        found = _by_beam(tmp_path, log, cuts, items, 20, settings, 5, DASK, options)
    assert len({task["worker"] for task in tasks.data}) == 2
    with np.load(tmp_path / "neighbours.npz") as arrays:
        assert int(arrays["process"]) != os.getpid()
    expected = _by_beam(tmp_path, log, cuts, items, 20, settings, 5)
    assert expected.weight.any()
    np.testing.assert_array_equal(found.item, expected.item)
    np.testing.assert_array_equal(found.weight, expected.weight)


def _of(log, user):
    return log.item[log.offset[user] : log.offset[user + 1]].tolist()
