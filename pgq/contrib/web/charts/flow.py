"""A flow as a drawing: jobs in layers from left to right, parents before their children."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pgq.contrib.web.charts.markup import Drawing, Markup, label, number, patterns, title
from pgq.contrib.web.charts.small import SIGNS
from pgq.reports import FlowNode

# How large a job is, and how far from the next, in pixels.
_WIDTH, _HEIGHT = 168, 34
_ACROSS, _DOWN = 44, 12
_EDGE: Final = 4
_LONGEST_NAME: Final = 20


def flow(
    name: str,
    about: str,
    nodes: Sequence[FlowNode],
    chosen: int,
    address: Callable[[int], str] = lambda _: "",
) -> Drawing:
    """Draw the nodes of flow_graph; `chosen` is the job that was asked for.

    A job stands one layer after the last of its parents. The table lists them layer by layer, for
    narrow screens and screen readers.
    """
    rows = layers(nodes)
    places = {
        node.id: (layer * (_WIDTH + _ACROSS), place * (_HEIGHT + _DOWN))
        for layer, row in enumerate(rows)
        for place, node in enumerate(row)
    }
    parts = [patterns(name, sorted({node.state for node in nodes}))]
    parts += [
        _edge(places[parent], places[node.id])
        for node in nodes
        for parent in node.parents
        if parent in places
    ]
    parts += [_node(name, node, places[node.id], chosen, address(node.id)) for node in nodes]
    wide = len(rows) * (_WIDTH + _ACROSS) - _ACROSS + 2 * _EDGE
    high = max(map(len, rows), default=0) * (_HEIGHT + _DOWN) - _DOWN + 2 * _EDGE
    wide, high = max(wide, 1), max(high, 1)
    svg = (
        f'<svg class="chart flow" width="{wide}" height="{high}"'
        f' viewBox="{-_EDGE} {-_EDGE} {wide} {high}" role="group"'
        f' aria-label="{label(about, 400)}">{"".join(parts)}</svg>'
    )
    table = [
        (
            f"{layer}",
            f"{node.id}",
            _called(node),
            node.state,
            ", ".join(map(str, node.parents[:20])) + (" ..." if len(node.parents) > 20 else ""),
            f"{node.more} not shown" if node.more else "",
        )
        for layer, row in enumerate(rows, 1)
        for node in row
    ]
    return Drawing(Markup(svg), ("Layer", "Job", "Task", "State", "After", "More"), table)


def layers(nodes: Sequence[FlowNode]) -> list[list[FlowNode]]:
    """Return the nodes by layers, each in an order in which few lines cross.

    A node's layer is its longest way from a node without parents. Two passes move each node to the
    middle of its parents, and then of its children.
    """
    known = {node.id for node in nodes}
    depth: dict[int, int] = {}
    # A job is younger than its parents, so these come first.
    for node in sorted(nodes, key=lambda node: node.id):
        depth[node.id] = max((depth[each] + 1 for each in node.parents if each in depth), default=0)
    rows: list[list[FlowNode]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in sorted(nodes, key=lambda node: node.id):
        rows[depth[node.id]].append(node)
    parents = {node.id: [each for each in node.parents if each in known] for node in nodes}
    children: dict[int, list[int]] = {node.id: [] for node in nodes}
    for child, above in parents.items():
        for parent in above:
            children[parent].append(child)
    for row in rows[1:]:
        _arrange(row, parents, rows)
    for row in reversed(rows[:-1]):
        _arrange(row, children, rows)
    return rows


def _arrange(
    row: list[FlowNode], beside: Mapping[int, Sequence[int]], rows: Sequence[Sequence[FlowNode]]
) -> None:
    """Order a layer by the middle of what each of its nodes is tied to."""
    places = {node.id: place for other in rows for place, node in enumerate(other)}

    def middle(node: FlowNode) -> float:
        tied = beside[node.id]
        return sum(places[each] for each in tied) / len(tied) if tied else places[node.id]

    row.sort(key=middle)


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    to_x, to_y = end[0], end[1] + _HEIGHT / 2
    # It turns right before the child, so that lines into one job run together.
    turn = to_x - _ACROSS / 2
    return f'<path class="edge" d="M{number(x)} {number(y)}H{number(turn)}V{number(to_y)}H{to_x}"/>'


def _node(name: str, node: FlowNode, place: tuple[int, int], chosen: int, link: str) -> str:
    x, y = place
    shape = "node chosen" if node.id == chosen else "node"
    said = f"{_called(node)}, {node.state}, job {node.id}"
    if node.more:
        said += f", {node.more} next to it are not shown"
    more = f"  +{node.more}" if node.more else ""
    drawing = (
        f'<rect class="{shape}" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<rect fill="url(#{name}-{node.state})" x="{x + 6}" y="{y + 7}"'
        f' width="6" height="{_HEIGHT - 14}" rx="2"/>'
        f'<text class="name" x="{x + 18}" y="{y + 14}">{label(_called(node), _LONGEST_NAME + 8)}'
        f'</text><text x="{x + 18}" y="{y + 27}">{SIGNS.get(node.state, "")} {node.state}'
        f"  {node.id}{more}</text>{title(said)}"
    )
    return f'<a href="{label(link, 2000)}">{drawing}</a>' if link else f"<g>{drawing}</g>"


def _called(node: FlowNode) -> str:
    task = node.task if len(node.task) <= _LONGEST_NAME else f"{node.task[: _LONGEST_NAME - 1]}…"
    return f"{task} \N{MULTIPLICATION SIGN} {node.jobs:,}" if node.jobs > 1 else task
