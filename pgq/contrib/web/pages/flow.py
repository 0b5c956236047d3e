"""The flow that a job is part of: a drawing, and the same as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.charts.flow import flow as draw
from pgq.contrib.web.charts.markup import Drawing
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import FlowNode


def flow(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show the flow of a job that there is, where the viewer may see all of its queues."""
    nodes = visit.ask(Client.flow_graph, id)
    if not nodes or not all(visit.access.reaches(node.queue) for node in nodes):
        raise NotFound("There is no such job, or its flow is not for you.")
    return View(
        f"Flow of job {id}", "flow.html", job=id, nodes=nodes, drawing=_drawing(visit, id, nodes)
    )


def _drawing(visit: Visit, id: int, nodes: Sequence[FlowNode]) -> Drawing:  # noqa: A002
    jobs = sum(node.jobs for node in nodes)
    about = f"The flow of job {id}: {jobs:,} jobs"
    return draw("flow", about, nodes, id, lambda job: visit.links("job", id=job))


PAGES: Final = (Page("flow", "/flows/<int:id>", flow),)
