"""SIGKILL in every component, again and again on one store; then one run that nobody disturbs."""

from pathlib import Path

import pytest

from tests.fault.workshop import KILLED, ForkServer, ServingWatcher, Workshop, learned, listing

pytestmark = [pytest.mark.fault, pytest.mark.e2e]

MOMENTS = ("start", "writing", "publishing")


@pytest.mark.timeout(1500)
def test_killed_everywhere_then_run_again_same_final_state(tmp_path: Path, server: ForkServer) -> None:
    quiet = Workshop(tmp_path / "quiet", server)
    assert quiet.run() == 0, quiet.said
    (expected,) = quiet.versions

    shop = Workshop(tmp_path / "killed", server)
    nodes = shop.nodes
    kills = [(node["id"], moment) for node in nodes for moment in (MOMENTS if node["has_executor"] else MOMENTS[:1])]
    assert {"InteractionGen", "TwoTowerTrainer", "Pusher"} <= {node for node, _ in kills}
    with ServingWatcher(shop.serving) as watcher:
        for node, moment in kills:
            assert shop.kill(node, moment) == KILLED, f"{node} {moment}: {shop.said}"
            killed_in = shop.runs[-1].nodes[-1]
            assert (killed_in.node_id, killed_in.state) == (node, "killed"), moment
        assert shop.run() == 0, shop.said

    assert [run.state for run in shop.runs] == ["killed"] * len(kills) + ["succeeded"]
    (version,) = shop.versions
    assert learned(shop.serving / version) == learned(quiet.serving / expected)
    assert {"variables/variables.index", "assets.extra/provenance.json"} <= set(learned(shop.serving / version))
    assert watcher.seen == {version: {listing(shop.serving / version)}}
    assert shop.metrics == quiet.metrics
    assert [node.node_id for node in shop.runs[-1].nodes] == [node.node_id for node in quiet.runs[-1].nodes]
    shop.check_nothing_is_left_behind()
    quiet.check_nothing_is_left_behind()
