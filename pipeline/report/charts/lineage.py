"""A drawing of what was made from what: components as boxes, top to bottom, with the artifacts' ways between them."""

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
"""Marks a place where an edge passes a layer; no component's name holds it."""

_SWEEPS = 8
"""Passes that order the boxes of a layer below their parents; more change nothing on graphs of this size."""


def lineage_chart(states: Mapping[str, str], edges: Sequence[tuple[str, str]]) -> str:
    """Draws the graph, an edge only where no longer way says the same: all of them are a knot.

    Args:
        states: Component to its state, as in a run, in the order of execution.
        edges: (maker, user) pairs of components that are in `states`.

    Returns:
        An `<svg>` element; empty without components.
    """
    if not states:
        return ""
    shown = _direct(edges)
    layers, ways = _layers(list(states), shown)
    most = max(map(_wide, layers))
    at: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(layers):
        x, room = 0.0, most / _wide(layer)
        for node in layer:
            at[node] = (x + room * _slot(node) / 2, -float(depth))
            x += room * _slot(node)
    made_of = defaultdict(list)
    for maker, user in dict.fromkeys(edges):
        made_of[user].append(maker)
    told = "; ".join(f"{user} from {', '.join(makers)}" for user, makers in made_of.items())
    with canvas("lineage", f"What was made from what: {told}", 0.55 * len(layers) + 0.1) as drawn:
        axes = drawn.axes()
        axes.axis("off")
        axes.set_xlim(0, most)
        axes.set_ylim(-len(layers) + 0.45, 0.5)
        for way in ways:
            points: list[tuple[float, float]] = []
            codes: list[Any] = []
            for maker, user in pairwise(way):
                (x0, y0), (x1, y1) = at[maker], at[user]
                start = y0 - (_BOX_HEIGHT / 2 if maker in states else 0)
                end = y1 + (_BOX_HEIGHT / 2 if user in states else 0)
                bend = (start - end) / 2
                points += [(x0, start), (x0, start - bend), (x1, end + bend), (x1, end)]
                codes += [Path.LINETO if codes else Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
            line = {"facecolor": "none", "edgecolor": COLOURS["popularity"], "linewidth": 1, "alpha": 0.65}
            axes.add_patch(PathPatch(Path(points, codes), **line))
        width = min(0.96, most * 0.42)
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
    """The transitive reduction: edges that no way over other nodes stands for."""
    users = defaultdict(set)
    for maker, user in edges:
        users[maker].add(user)

    def reached(node: str) -> set[str]:
        further = users.get(node, set())
        return further.union(*(reached(user) for user in further))

    beyond = {maker: set().union(*(reached(user) for user in of_maker)) for maker, of_maker in users.items()}
    return [(maker, user) for maker, user in dict.fromkeys(edges) if user not in beyond[maker]]


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Nodes by their longest way from a source, those of a layer near their neighbours of the layers about it.

    What is made from nothing stands right above what first needs it. An edge over several layers passes through a
    place of its own in each, so that it runs beside the boxes (Sugiyama et al. 1981, the second and third step).

    Returns:
        The layers, of nodes and such places; and the edges, as ways through them.
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
    ways, above, below = [], defaultdict(list), defaultdict(list)
    for maker, user in edges:
        passed = [f"{maker}{_PASSES}{user}{_PASSES}{n}" for n in range(depth[maker] + 1, depth[user])]
        for n, point in enumerate(passed, depth[maker] + 1):
            layers[n].append(point)
        ways.append([maker, *passed, user])
        for upper, lower in pairwise(ways[-1]):
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
    return layers, ways


def _slot(node: str) -> float:
    return 0.3 if _PASSES in node else 1.0


def _wide(layer: Sequence[str]) -> float:
    return sum(map(_slot, layer))


def _in_two(name: str) -> str:
    """A name in two lines, broken before a capital, for as narrow a box as can be."""
    if len(name) <= 12:
        return name
    capitals = [n for n, character in enumerate(name) if n and character.isupper() and not name[n - 1].isupper()]
    if not capitals:
        return name
    middle = min(capitals, key=lambda n: abs(n - len(name) / 2))
    return f"{name[:middle]}\n{name[middle:]}"
