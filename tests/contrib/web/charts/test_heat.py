from __future__ import annotations

from pgq.contrib.web.charts import heat_map
from tests.contrib.web.charts.drawings import HOSTILE, assert_drawing, assert_kept, times


def test_how_long_jobs_ran_over_time() -> None:
    buckets = [{-4: 3, -3: 1}, {}, {-4: 1, 2: 100}]
    drawing = heat_map("How long jobs ran", times(3), buckets)
    assert_kept("heat", drawing.svg)
    assert "12:00: 3 ran 125 ms to 250 ms" in drawing.svg
    assert drawing.titles[:2] == ("from", "up to 250 ms")
    assert [row[1] for row in drawing.rows] == ["3", "0", "1"]
    assert drawing.rows[2][-1] == "100"


def test_nothing_ran() -> None:
    assert_drawing(heat_map("Nothing", [], []))
    assert_drawing(heat_map("Nothing", times(2), [{}, {}]))


def test_every_bucket_and_many_steps() -> None:
    every = dict.fromkeys(range(-20, 35), 1000)
    drawing = heat_map(HOSTILE[0], times(1000), [every] * 1000)
    assert_drawing(drawing)
    assert len(drawing.rows) <= 60
    assert sum(int(cell) for row in drawing.rows for cell in row[1:]) == 55_000_000
    assert len(drawing.svg) < 400_000
