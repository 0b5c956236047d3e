from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgq.contrib.web.charts.scale import count, grouped, log_ticks, seconds, ticks


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (10, [0, 3, 6, 9, 12]),
        (42, [0, 20, 40, 60]),
        (1000, [0, 250, 500, 750, 1000]),
    ],
)
def test_ticks_are_whole_numbers_that_people_know(highest: float, expected: list[float]) -> None:
    assert ticks(highest) == expected


@given(st.floats(min_value=1e-6, max_value=1e15))
def test_ticks_hold_the_highest_one(highest: float) -> None:
    found = ticks(highest)
    assert found[0] == 0 and found[-1] >= highest * 0.999999 and 2 <= len(found) <= 6


@given(st.floats(1e-6, 1e8), st.floats(1e-6, 1e8))
def test_log_ticks_rise(one: float, other: float) -> None:
    found = log_ticks(min(one, other), max(one, other))
    assert len(found) >= 2 and found == sorted(set(found))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 s"),
        (0.0001, "< 1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1 s"),
        (1.25, "1.2 s"),
        (59.99, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (187_200, "2 d 4 h"),
        (-2, "-2 s"),
    ],
)
def test_lengths_of_time(value: float, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (850, "850"), (1234, "1.23k"), (3.4e6, "3.4M"), (2e9, "2G")]
)
def test_counts(value: float, said: str) -> None:
    assert count(value) == said


@given(st.integers(0, 5000), st.integers(1, 120))
def test_groups_hold_every_column_once(columns: int, most: int) -> None:
    groups = grouped(columns, most)
    assert [n for group in groups for n in group] == list(range(columns))
    assert len(groups) <= most
