"""Draws a run's lineage: components as boxes from top to bottom, and the artifacts between them as lines."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from pipeline.report.charts.drawing import COLOURS, canvas

_BORDER = {"complete": "model", "cached": "popularity", "failed": "bad"}
_BOX_HEIGHT = 0.5
_PASSES = ">"
"""Marks a point where an edge passes through a layer; no component's name contains it."""

_SWEEPS = 8
"""How often the boxes of each layer are ordered by their neighbours; more changes nothing on graphs of this size."""


def lineage_chart(states: Mapping[str, str], edges: Sequence[tuple[str, str]]) -> str:
    """Draws the graph. An edge is left out if a longer path connects the same two boxes: all edges would be a tangle.

    Args:
        states: The state of each component, as in a run, in the order of execution.
        edges: (maker, user) pairs of components that are in `states`.

    Returns:
        An `<svg>` element; empty without components.
    """
    if not states:
        return ""
    shown = _direct(edges)
    layers, paths = _layers(list(states), shown)
    widest = max(map(_wide, layers))
    at: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(layers):
        x, slot_width = 0.0, widest / _wide(layer)
        for node in layer:
            at[node] = (x + slot_width * _slot(node) / 2, -float(depth))
            x += slot_width * _slot(node)
    makers_by_user = defaultdict(list)
    for maker, user in dict.fromkeys(edges):
        makers_by_user[user].append(maker)
    description = "; ".join(f"{user} from {', '.join(makers)}" for user, makers in makers_by_user.items())
    with canvas("lineage", f"Lineage: {description}", 0.55 * len(layers) + 0.1) as drawn:
        axes = drawn.axes()
        axes.axis("off")
        axes.set_xlim(0, widest)
        axes.set_ylim(-len(layers) + 0.45, 0.5)
        for path in paths:
            points: list[tuple[float, float]] = []
            codes: list[Any] = []
            for maker, user in pairwise(path):
                (x0, y0), (x1, y1) = at[maker], at[user]
                start = y0 - (_BOX_HEIGHT / 2 if maker in states else 0)
                end = y1 + (_BOX_HEIGHT / 2 if user in states else 0)
                bend = (start - end) / 2
                points += [(x0, start), (x0, start - bend), (x1, end + bend), (x1, end)]
                codes += [Path.LINETO if codes else Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
            line = {"facecolor": "none", "edgecolor": COLOURS["popularity"], "linewidth": 1, "alpha": 0.65}
            axes.add_patch(PathPatch(Path(points, codes), **line))
        width = min(0.96, widest * 0.42)
        for node in states:
            x, y = at[node]
            axes.add_patch(
                FancyBboxPatch(
                    (x - width / 2, y - _BOX_HEIGHT / 2),
                    width,
                    _BOX_HEIGHT,
                    boxstyle="round,pad=0,rounding_size=0.08",
                    facecolor=COLOURS["paper"],
                    edgecolor=COLOURS[_BORDER.get(states[node], "warn")],
                    linewidth=1.4,
                    linestyle="--" if states[node] == "cached" else "-",
                )
            )
            axes.text(x, y, _in_two(node), ha="center", va="center", fontsize=7, linespacing=1.15)
    return drawn.svg


def _direct(edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the transitive reduction: the edges that no path over other nodes can replace."""
    users = defaultdict(set)
    for maker, user in edges:
        users[maker].add(user)

    def reached(node: str) -> set[str]:
        next_nodes = users.get(node, set())
        return next_nodes.union(*(reached(user) for user in next_nodes))

    beyond = {
        maker: set().union(*(reached(user) for user in users_of_maker)) for maker, users_of_maker in users.items()
    }
    return [(maker, user) for maker, user in dict.fromkeys(edges) if user not in beyond[maker]]


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Puts nodes into layers by their longest path from a source, each near its neighbours in the adjacent layers.

    A node without inputs is right above the first node that uses its output. An edge over several layers passes through
    a point of its own in each layer, so that it runs beside the boxes (Sugiyama et al. 1981, second and third step).

    Returns:
        The layers, of nodes and such points; and the edges, as paths through them.
    """
    parents, children = defaultdict(list), defaultdict(list)
    for maker, user in edges:
        parents[user].append(maker)
        children[maker].append(user)
    depth: dict[str, int] = {}
    for node in nodes:  # in the order of execution, so parents come first
        depth[node] = max((depth[parent] + 1 for parent in parents[node] if parent in depth), default=0)
    for node in nodes:
        if not parents[node] and children[node]:
            depth[node] = min(depth[child] for child in children[node]) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    paths, above, below = [], defaultdict(list), defaultdict(list)
    for maker, user in edges:
        passed = [f"{maker}{_PASSES}{user}{_PASSES}{n}" for n in range(depth[maker] + 1, depth[user])]
        for n, point in enumerate(passed, depth[maker] + 1):
            layers[n].append(point)
        paths.append([maker, *passed, user])
        for upper, lower in pairwise(paths[-1]):
            above[lower].append(upper)
            below[upper].append(lower)
    for sweep in range(_SWEEPS):
        near = above if sweep % 2 == 0 else below
        place = {node: (n + 0.5) / len(layer) for layer in layers for n, node in enumerate(layer)}
        for layer in layers:
            wanted = {
                node: sum(place[other] for other in near[node]) / len(near[node]) if near[node] else place[node]
                for node in layer
            }
            layer.sort(key=wanted.__getitem__)
            place.update({node: (n + 0.5) / len(layer) for n, node in enumerate(layer)})
    return layers, paths


def _slot(node: str) -> float:
    return 0.3 if _PASSES in node else 1.0


def _wide(layer: Sequence[str]) -> float:
    return sum(map(_slot, layer))


def _in_two(name: str) -> str:
    """Breaks a name into two lines before a capital letter near its middle, so that the box can be narrow."""
    if len(name) <= 12:
        return name
    capitals = [n for n, character in enumerate(name) if n and character.isupper() and not name[n - 1].isupper()]
    if not capitals:
        return name
    middle = min(capitals, key=lambda n: abs(n - len(name) / 2))
    return f"{name[:middle]}\n{name[middle:]}"
