"""What a scrape reads: the numbers of metrics(), a row for each series."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim, complete, enqueue, fail, register, rows


@pytest.mark.slow
@pytest.mark.parametrize("tasks", [True, False, None])
def test_it_tells_what_metrics_tells(conn: psycopg.Connection, tasks: bool | None) -> None:
    register(conn)
    for queue in ("mail", "mail", "other"):
        enqueue(conn, "send", queue=queue)
    complete(conn, *claim(conn, ["mail"]))
    fail(conn, *claim(conn, ["other"]))
    rows(conn, "maintain")
    with conn.transaction():
        series = rows(conn, "metric_series", tasks=tasks)
        samples = rows(conn, "metrics", tasks=tasks)
    told = {(row["name"], *sorted(row["labels"].items())): row["value"] for row in samples}
    histograms = [row for row in series if row["type"] == "histogram"]
    # Twelve samples beside its sum: ten bounds, all, and the count.
    assert len(samples) == len(series) + 12 * len(histograms)
    assert len(histograms) == 4
    for row in histograms:
        labels = sorted(row["labels"].items())
        assert row["bounds"] == [4.0**exponent for exponent in range(-4, 6)]
        assert told[f"{row['family']}_sum", *labels] == row["value"]
        assert told[f"{row['family']}_count", *labels] == row["counts"][-1]
        for bound, count in zip(row["bounds"], row["counts"], strict=False):
            pairs = sorted({**row["labels"], "le": f"{bound:.17g}"}.items())
            assert told[f"{row['family']}_bucket", *pairs] == count
    assert all(row["bounds"] is row["counts"] is None for row in series if row not in histograms)


@pytest.mark.slow
def test_it_costs_a_row_for_a_histogram(conn: psycopg.Connection) -> None:
    enqueue(conn)
    complete(conn, *claim(conn))
    rows(conn, "maintain")
    found = [row for row in rows(conn, "metric_series") if row["family"] == "pgq_job_run_seconds"]
    assert [(row["labels"], row["counts"][-1]) for row in found] == [
        ({"queue": "default", "task": "work"}, 1)
    ]
