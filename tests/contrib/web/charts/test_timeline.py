from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgq.contrib.web.charts import Phase, timeline
from pgq.contrib.web.charts.timeline import Kind
from tests.contrib.web.charts.drawings import HOSTILE, NOON, assert_drawing, assert_kept

KINDS: list[Kind] = ["scheduled", "ready", "failed", "backoff", "succeeded", "unknown"]


def phases(*lengths: float, kinds: list[Kind] | None = None) -> list[Phase]:
    made, start = [], NOON
    for n, length in enumerate(lengths):
        end = start + timedelta(seconds=length)
        kind = (kinds or KINDS)[n % len(kinds or KINDS)]
        made.append(Phase(kind, start, end, f"part {n}", f"p{n}"))
        start = end
    return made


def test_a_long_wait_is_broken_off() -> None:
    drawing = timeline("story", "Job 7", phases(86400, 0.5, 2, 30, 3))
    assert_kept("timeline", drawing.svg)
    assert drawing.svg.count('class="gap"') == 2  # the day, and of what is left the backoff
    assert list(drawing.rows[0]) == ["2030-01-01 12:00:00", "part 0", "1 d"]


def test_a_run_is_never_broken_off() -> None:
    drawing = timeline("story", "Job 7", phases(1, 1, 86400))
    assert 'class="gap"' not in drawing.svg


def test_what_goes_on_says_so() -> None:
    (phase,) = phases(5, kinds=["running"])
    drawing = timeline("story", "Job 7", [phase._replace(is_open=True)])
    assert drawing.rows[0][2] == "5 s so far"
    assert 'class="bar open"' in drawing.svg


@given(st.lists(st.floats(0, 1e8), max_size=30))
def test_all_parts_are_drawn_in_their_order_within_the_width(lengths: list[float]) -> None:
    tree = assert_drawing(timeline("x", "Job", phases(*lengths)))
    bars = [each for each in tree.iter() if each.get("class") == "bar"]
    assert len(bars) == len(lengths)
    right = 0.0
    for bar in bars:
        left, width = (float(bar.attrib[name].removesuffix("%")) for name in ("x", "width"))
        assert abs(left - right) < 0.1 and width > 0.3
        right = left + width
    assert not bars or abs(right - 100) < 0.2


def test_a_run_under_a_millisecond_is_drawn() -> None:
    assert "&lt; 1 ms" in timeline("x", "Job", phases(0.0001)).svg


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_words_that_attack(text: str) -> None:
    assert_drawing(timeline("x", text, [Phase("failed", NOON, NOON, text, text)]))
