"""Reads from a run's nodes which artifacts were made from which."""

from typing import Any

from pipeline.store.runs.records import Run


def edges_of(run: Run) -> list[tuple[str, str]]:
    """Lists (maker, user) pairs of a run's nodes, one pair for each artifact that goes from one to the other."""
    makers = {ref.id: node.node_id for node in run.nodes for refs in node.outputs.values() for ref in refs}
    return [
        (makers[ref.id], node.node_id)
        for node in run.nodes
        for refs in node.inputs.values()
        for ref in refs
        if makers.get(ref.id, node.node_id) != node.node_id
    ]


def artifact_rows(run: Run) -> list[dict[str, Any]]:
    """Makes a row for each output of a run: its node, type and id, and the nodes that its maker got inputs from."""
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
