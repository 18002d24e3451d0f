"""New rows at a shop that serves a model: SIGKILL in every component, again and again; then one run undisturbed."""

import shutil
from pathlib import Path

import pytest
from tfx.dsl.components.common.resolver import Resolver

from documents.service_data import HISTORIES_FILE, ITEMS_FILE, ServiceData
from tests.fault.workshop import KILLED, NEW_ROWS, ServingWatcher, Workshop, learned, listing

pytestmark = [pytest.mark.fault, pytest.mark.e2e]

MOMENTS = ("start", "writing", "publishing")


@pytest.mark.timeout(1500)
def test_killed_everywhere_then_run_again_same_final_state(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / "shop")
    assert shop.run() == 0, shop.said
    (first,) = shop.versions
    before = listing(shop.serving / first)
    shop.add_rows(NEW_ROWS)

    # Without kills, from a copy of the first day; at the same path, for the metadata store names places in full.
    first_day = tmp_path / "first day"
    shutil.copytree(shop.shop.folder, first_day, symlinks=True)
    assert shop.run() == 0, shop.said
    assert list(shop.versions)[:-1] == [first]
    expected = learned(shop.serving / list(shop.versions)[-1])
    assert expected != learned(shop.serving / first)
    expected_metrics, expected_nodes = shop.metrics, [node.node_id for node in shop.runs[-1].nodes]
    shop.check_nothing_is_left_behind()
    shutil.rmtree(shop.shop.folder)
    first_day.rename(shop.shop.folder)

    # TFX itself runs a Resolver, which has no executor.
    kills = [(n.id, moment) for n in shop.nodes for moment in (MOMENTS[:1] if isinstance(n, Resolver) else MOMENTS)]
    assert {"InteractionGen", "Trainer", "Pusher"} <= {node for node, _ in kills}
    with ServingWatcher(shop.serving) as watcher:
        for node, moment in kills:
            assert shop.kill(node, moment) == KILLED, f"{node} {moment}: {shop.said}"
            killed_in = shop.runs[-1].nodes[-1]
            assert (killed_in.node_id, killed_in.state) == (node, "killed"), moment
        assert shop.run() == 0, shop.said

    assert [run.state for run in shop.runs] == ["succeeded"] + ["killed"] * len(kills) + ["succeeded"]
    old, new = shop.versions
    assert old == first
    assert learned(shop.serving / new) == expected
    assert {"variables/variables.index", "assets.extra/provenance.json", ITEMS_FILE, HISTORIES_FILE} <= set(expected)
    assert ServiceData.read(shop.serving / new).decision.blessed
    assert watcher.live == [old, new]
    assert watcher.seen == {old: {before}, new: {listing(shop.serving / new)}}
    assert shop.metrics == expected_metrics
    assert [node.node_id for node in shop.runs[-1].nodes] == expected_nodes
    shop.check_nothing_is_left_behind()
