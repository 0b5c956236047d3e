from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pgq.contrib.web.charts.flow import flow, layers
from pgq.reports import FlowNode
from tests.contrib.web.charts.drawings import HOSTILE, assert_sound


def node(id_: int, *parents: int, **changed: Any) -> FlowNode:
    usual: dict[str, Any] = {"jobs": 1, "task": "t", "queue": "q", "state": "ready", "hops": 0}
    return FlowNode(**{"id": id_, "parents": list(parents), "more": 0, **usual, **changed})


def ids(rows: list[list[FlowNode]]) -> list[list[int]]:
    return [[each.id for each in row] for row in rows]


def test_a_job_stands_behind_the_last_of_its_parents() -> None:
    found = layers([node(1), node(2, 1), node(3, 1, 2), node(4), node(5, 4, 3)])
    assert sorted(found[0], key=lambda each: each.id)[0].id == 1
    assert [sorted(row) for row in ids(found)] == [[1, 4], [2], [3], [5]]


def test_lines_do_not_cross_where_they_need_not() -> None:
    found = layers([node(1), node(2), node(3), node(4, 3), node(5, 2), node(6, 1)])
    above, below = ids(found)
    ties = {4: 3, 5: 2, 6: 1}
    places = [above.index(ties[each]) for each in below]
    assert places == sorted(places)


def test_parents_that_are_not_shown_count_for_nothing() -> None:
    assert ids(layers([node(7, 3), node(8, 7)])) == [[7], [8]]
    assert layers([]) == []
    assert_sound(flow("f", "none", [], 1).svg)


def test_the_drawing_has_each_job_and_each_tie_and_links() -> None:
    nodes = [node(1), node(2, 1, state="failed"), node(3, 1, jobs=480, more=12), node(4, 2, 3)]
    drawing = flow("f", "The flow of job 2: 483 jobs", nodes, 2, lambda job: f"/jobs/{job}")
    assert_sound(drawing.svg)
    assert drawing.svg.count('class="edge"') == 4
    assert drawing.svg.count('class="node chosen"') == 1
    assert (
        'href="/jobs/2"' in drawing.svg
        and "\N{MULTIPLICATION SIGN} 480" in drawing.svg
        and "+12" in drawing.svg
    )
    assert [row[1] for row in drawing.rows] == ["1", "2", "3", "4"]
    assert drawing.rows[3][4] == "2, 3" and drawing.rows[2][5] == "12 not shown"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_attack_stay_text(name: str) -> None:
    assert_sound(flow("f", name, [node(1, task=name)], 1).svg)


def test_two_hundred_jobs_in_a_chain_and_in_a_fan() -> None:
    chain = [node(1), *(node(id_, id_ - 1) for id_ in range(2, 201))]
    assert all(len(row) == 1 for row in layers(chain))
    fan = [node(1), *(node(id_, 1) for id_ in range(2, 200)), node(200, *range(2, 200))]
    assert [len(row) for row in layers(fan)] == [1, 198, 1]
    assert_sound(flow("f", "fan", fan, 1).svg)
    assert all(a.id < b.id for a, b in pairwise(layers(fan)[1]))
