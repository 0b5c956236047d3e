"""The command `flow`: what a job depends on, and what depends on it, as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import GONE, Refusal
from pgq.cli.options import database_options, json_option
from pgq.cli.output import clean, record, write_json

if TYPE_CHECKING:
    from pgq.reports import FlowNode

WIDTH = 80


@cli.command(short_help="Show the flow that a job is part of, as a tree.")
@click.argument("job_id", metavar="ID", type=int)
@database_options
@json_option
def flow(job_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show the jobs that a job depends on, and those that depend on it, as a tree.

    A job stands below its first parent; "after" names the others. Where there are more than 200,
    equal siblings are one line (x 480), and "+ 12 more" says where some are not shown. Exit code 1
    where there is no such job.

    \b
      pgq flow 17
      pgq flow 17 --json | jq '.[] | select(.state == "failed")'
    """
    with open_client(dsn, schema) as client:
        nodes = client.flow_graph(job_id)
    if not nodes:
        raise Refusal(f"there is no job {job_id}", GONE)
    if as_json:
        write_json([record(node) for node in nodes])
        return
    for line in tree(nodes, job_id):
        click.echo(line)


def tree(nodes: list[FlowNode], job_id: int) -> Iterator[str]:
    """Yield the lines of the tree; ids rise, so a parent comes before its children."""
    below: dict[int | None, list[FlowNode]] = {}
    for node in nodes:
        below.setdefault(min(node.parents, default=None), []).append(node)
    # Not by recursion: a flow may be a chain of 200 jobs.
    open_: list[tuple[FlowNode, int]] = [(node, 0) for node in reversed(below.get(None, []))]
    while open_:
        node, depth = open_.pop()
        yield _line(node, depth, node.id == job_id)
        open_ += [(child, depth + 1) for child in reversed(below.get(node.id, []))]


def _line(node: FlowNode, depth: int, is_asked_for: bool) -> str:
    parts = [f"{node.id}", clean(node.task), node.state]
    if node.jobs > 1:
        parts[1] += f" x {node.jobs}"
    if others := [str(parent) for parent in node.parents if parent != min(node.parents)]:
        parts.append("after " + ", ".join(others[:5]) + (" ..." if len(others) > 5 else ""))
    if node.more:
        parts.append(f"+ {node.more} more")
    if is_asked_for:
        parts.append("<-")
    # Deeper than that it would leave no room for the words.
    line = "  " * min(depth, 20) + "  ".join(parts)
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."
