"""What was made from what, as a run's nodes tell it."""

from typing import Any

from pipeline.store.runs.records import Run


def edges_of(run: Run) -> list[tuple[str, str]]:
    """(maker, user) pairs of a run's nodes, one for each artifact that goes between them."""
    makers = {ref.id: node.node_id for node in run.nodes for refs in node.outputs.values() for ref in refs}
    return [
        (makers[ref.id], node.node_id)
        for node in run.nodes
        for refs in node.inputs.values()
        for ref in refs
        if makers.get(ref.id, node.node_id) != node.node_id
    ]


def artifact_rows(run: Run) -> list[dict[str, Any]]:
    """A row for each output of a run: what it is, and which nodes its maker used."""
    edges = edges_of(run)
    return [
        {
            "node": node.node_id,
            "state": node.state,
            "key": key,
            "type": ref.type,
            "id": ref.id,
            "made_from": list(dict.fromkeys(maker for maker, user in edges if user == node.node_id)),
        }
        for node in run.nodes
        for key, refs in node.outputs.items()
        for ref in refs
    ]
