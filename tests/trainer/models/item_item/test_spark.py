"""Our cosines, exact and thinned by DIMSUM, beside those of Spark's `columnSimilarities`; `make spark` installs Spark.

Spark promises its error for entries in [0, 1] alone, so it gets the entries that we divide by the largest.
"""

import os
import shutil

import numpy as np
import pytest

from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import cosine_of, matrix_of, table_of
from tests.trainer.worlds import interactions_of
from trainer.models.item_item.cosine import cosine_neighbours
from trainer.models.item_item.counting import columns, user_items
from trainer.models.item_item.dimsum import thinning

pytest.importorskip("pyspark", reason="Spark is not installed: make spark")
if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
    pytest.skip("Spark needs Java 17 or newer: apt-get install openjdk-17-jre-headless", allow_module_level=True)

from pyspark.mllib.linalg import Vectors
from pyspark.mllib.linalg.distributed import RowMatrix
from pyspark.sql import SparkSession

pytestmark = pytest.mark.e2e

ITEMS, USERS = 40, 3000
THRESHOLD = 0.5
SAMPLES = 60


@pytest.fixture(scope="module")
def spark():
    settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]").appName("dimsum").config(map=settings)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session.sparkContext
    session.stop()


@pytest.fixture(scope="module")
def log():
    """Items from popular to rare: some thinned, some not. Users differ in activity, so that all pairs meet."""
    rng = np.random.default_rng(7)
    met = rng.random((USERS, ITEMS)) < rng.uniform(0.2, 1.6, (USERS, 1)) * np.geomspace(0.6, 0.03, ITEMS)
    histories = [np.flatnonzero(row).tolist() for row in met]
    return interactions_of(histories, weights=[rng.choice([0.5, 2.0, 6.0], len(each)).tolist() for each in histories])


def _by_spark(spark, met, threshold):
    """Cosines of the columns, `[items, items]`, on and below the diagonal 0."""
    rows = [Vectors.sparse(met.shape[1], np.flatnonzero(row), row[row > 0]) for row in met]
    similar = RowMatrix(spark.parallelize(rows, 2), *met.shape).columnSimilarities(threshold)
    return similar.toBlockMatrix().toLocalMatrix().toArray()


def _by_us(log, threshold, seed):
    settings = ItemItem(threshold=threshold, shrinkage=0, activity_exponent=0, use_event_weights=True)
    return np.triu(table_of(cosine_neighbours(log, ITEMS, ITEMS, settings, seed), ITEMS))


def test_exact_cosines_equal_those_of_spark(spark, log):
    ours = _by_us(log, 0, 0)
    assert np.count_nonzero(ours) == ITEMS * (ITEMS - 1) / 2
    np.testing.assert_allclose(ours, _by_spark(spark, matrix_of(log, ITEMS), 0), rtol=1e-6)


def test_thinned_cosines_have_the_mean_and_the_variance_of_spark(spark, log):
    met = matrix_of(log, ITEMS)
    entries = met / met.max()
    first, second = np.triu_indices(ITEMS, 1)
    cosine = cosine_of(met)[first, second]
    probability = thinning(columns(user_items(log, ITEMS, True)), THRESHOLD).probability
    kept = probability[first] * probability[second]
    # The variance of a sum of independent products, each kept with the same probability.
    sums, squares = (entries.T @ entries)[first, second], ((entries**2).T @ entries**2)[first, second]
    deviation = cosine * np.sqrt((1 / kept - 1) * squares) / sums
    thin = kept < 1
    assert np.sum(probability < 1) >= 10 and np.sum(probability == 1) >= 10

    rng = np.random.default_rng(3)
    # Spark's coins depend on the order of the rows alone.
    of_spark = [_by_spark(spark, entries[rng.permutation(USERS)], THRESHOLD) for _ in range(SAMPLES)]
    of_us = [_by_us(log, THRESHOLD, seed) for seed in range(SAMPLES)]
    z = {}
    for name, tables in (("ours", of_us), ("Spark's", of_spark)):
        found = np.array([table[first, second] for table in tables])
        np.testing.assert_allclose(found[:, ~thin], np.broadcast_to(cosine[~thin], found[:, ~thin].shape), rtol=1e-6)
        z[name] = (found[:, thin] - cosine[thin]) / deviation[thin]
        relative = np.abs(found[:, thin] / cosine[thin] - 1).mean()
        print(f"{name}: mean error {relative:.4f}, z {z[name].mean():+.4f}, variance of z {z[name].var():.4f}")
        # Unbiased, each pair and all together; of some 700 pairs, none is 4.5 deviations of its mean away.
        assert np.abs(z[name].mean(axis=0)).max() < 4.5 / np.sqrt(SAMPLES)
        assert abs(z[name].mean()) < 0.05
        assert abs(z[name].var() - 1) < 0.05
    assert z["ours"].std() == pytest.approx(z["Spark's"].std(), rel=0.04)
