from __future__ import annotations

from datetime import timedelta

import pytest

from pgq.contrib.web.charts import Line, Stack, series
from pgq.reports import Mark
from tests.contrib.web.charts.drawings import (
    HOSTILE,
    NOON,
    assert_drawing,
    assert_kept,
    times,
)


def test_counts_with_a_line_and_a_deploy() -> None:
    stacks = [Stack("succeeded", [10, 0, 30]), Stack("failed", [1, 0, 0]), Stack("lost", [0, 0, 0])]
    lines = [Line("p95 wait", [0.25, None, 4.0])]
    mark = Mark(NOON + timedelta(minutes=1), "v1.2")
    drawing = series("ended", "Ended per minute", times(3), stacks, lines, [mark])
    assert_kept("series", drawing.svg)
    assert drawing.titles == ("from", "succeeded", "failed", "lost", "p95 wait")
    assert list(drawing.rows) == [
        ("2030-01-01 12:00", "10", "1", "0", "250 ms"),
        ("2030-01-01 12:01", "0", "0", "0", ""),
        ("2030-01-01 12:02", "30", "0", "0", "4 s"),
    ]
    assert "12:00: 10 succeeded, 1 failed, p95 wait 250 ms" in drawing.svg
    assert "12:01: nothing" in drawing.svg


def test_lines_alone_have_a_grid() -> None:
    lines = [Line("p50", [0.01, 0.02]), Line("p95", [1.0, 2.0])]
    drawing = series("run", "How long jobs ran", times(2), lines=lines)
    assert_kept("lines", drawing.svg)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_steps(count: int) -> None:
    stacks, lines = [Stack("failed", [1.0] * count)], [Line("p95", [None] * count)]
    drawing = series("x", "Few", times(count), stacks, lines, [Mark(NOON, "v1")])
    assert len(drawing.rows) == count
    assert_drawing(drawing)


def test_many_steps_are_drawn_as_120_at_most_and_nothing_is_lost() -> None:
    stacks, lines = [Stack("succeeded", [1] * 1000)], [Line("p95", [1.0] * 999 + [60.0])]
    drawing = series("x", "Many", times(1000), stacks, lines)
    assert 100 <= len(drawing.rows) <= 120
    assert sum(float(row[1]) for row in drawing.rows) == 1000
    assert drawing.rows[-1][2] == "1 min"
    highest = series("x", "Depth", times(1000), stacks, highest=True)
    assert {row[1] for row in highest.rows} == {"1"}
    assert_drawing(drawing)


def test_one_failure_among_thousands_is_seen() -> None:
    stacks = [Stack("succeeded", [100_000]), Stack("failed", [1])]
    tree = assert_drawing(series("x", "One", times(1), stacks))
    bars = [each for each in tree.iter() if "failed" in each.get("fill", "")]
    assert [bar.get("height") for bar in bars] == ["1"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_labels_that_attack(text: str) -> None:
    marks = [Mark(NOON, text), Mark(NOON + timedelta(days=9), "another day")]
    drawing = series("x", text, times(2), [Stack("failed", [1, 2])], marks=marks)
    assert_drawing(drawing)
    assert "another day" not in drawing.svg
    assert len(drawing.svg) < 8000


def test_days_are_named_where_a_window_has_many() -> None:
    week = series("x", "Week", times(168, timedelta(hours=1)), [Stack("failed", [1] * 168)])
    assert ">01 Jan<" in week.svg
    day = series("x", "Day", times(48, timedelta(hours=1)), [Stack("failed", [1] * 48)])
    assert ">Tue 12:00<" in day.svg
