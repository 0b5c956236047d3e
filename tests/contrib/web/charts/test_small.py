from __future__ import annotations

import pytest

from pgq.contrib.web.charts import gauge, shares, sparkline, strip
from pgq.contrib.web.charts.small import Tick
from tests.contrib.web.charts.drawings import (
    HOSTILE,
    NOON,
    assert_drawing,
    assert_kept,
    assert_sound,
)


def test_a_sparkline_with_its_failures() -> None:
    svg = sparkline("Ended", [0, 5, 10, 0], [0, 1, 0, 0])
    assert_kept("sparkline", svg)
    assert "Ended: 15, 1 of them failed" in svg


def test_a_sparkline_is_sixty_bars_at_most() -> None:
    svg = sparkline("Ended", [1] * 1000)
    assert svg.count("M") <= 60 and "Ended: 1k" in svg


@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_a_sparkline_of_nothing(counts: list[float]) -> None:
    assert_sound(sparkline("Ended", counts, counts))


@pytest.mark.parametrize(
    ("value", "most", "said", "width"),
    [
        (3, 10, "Running: 3 of 10", "30"),
        (12, 10, "Running: 12 of 10", "100"),
        (3, None, "Running: 3", None),
        (0, 0, "Running: 0 of 0", None),
    ],
)
def test_a_gauge(value: float, most: float | None, said: str, width: str | None) -> None:
    svg = gauge("Running", value, most)
    tree = assert_sound(svg)
    assert tree.get("aria-label") == said
    filled = [each.get("width") for each in tree if each.get("class") in ("full", "taken")]
    assert filled == ([width] if width else [])


def test_a_gauge_is_kept() -> None:
    assert_kept("gauge", gauge("Running", 9, 10))


def test_shares_of_a_batch() -> None:
    svg = shares("b7", "Batch 7", {"succeeded": 6, "failed": 2, "expired": 0}, total=10)
    assert_kept("shares", svg)
    assert "Batch 7: 6 succeeded, 2 failed" in svg
    assert_sound(shares("b8", "Batch 8", {}))


def test_a_strip_of_ticks() -> None:
    ticks = [
        Tick("succeeded", NOON, "12:00: job 1 succeeded", "/jobs/1"),
        Tick("missed", NOON, "?"),
    ]
    drawing = strip("nightly", "The last ticks", ticks)
    assert_kept("strip", drawing.svg)
    assert drawing.rows[0] == ("2030-01-01 12:00:00", "succeeded", "12:00: job 1 succeeded")
    assert_drawing(strip("nothing", "No ticks", []))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_labels_that_attack(text: str) -> None:
    assert_sound(sparkline(text, [1]))
    assert_sound(gauge(text, 1, 2))
    assert_sound(shares("x", text, {"failed": 1}))
    assert_drawing(strip("x", text, [Tick("failed", NOON, text, text)]))
