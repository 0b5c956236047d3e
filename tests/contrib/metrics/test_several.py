"""Numbers of several databases: whose they are, and one that does not answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

import pgq
from pgq.contrib.metrics import Metrics
from tests.contrib.metrics.test_pages import NOWHERE, TOKEN, get
from tests.servers import Databases

AWAY = (NOWHERE, "pgq")


@pytest.fixture
def two(databases: Databases, template: str) -> Iterator[dict[str, tuple[str, str]]]:
    """Two databases, with one and with two jobs."""
    with databases.fresh(template) as one, databases.fresh(template) as other:
        found = {"one": databases.dsn(one), "other": databases.dsn(other)}
        for count, dsn in enumerate(found.values(), 1):
            with pgq.Client(dsn) as client:
                client.enqueue_many([pgq.NewJob("t", {}, queue="mail")] * count)
        yield {name: (dsn, "pgq") for name, dsn in found.items()}


@pytest.mark.slow
def test_every_number_tells_its_database(two: dict[str, tuple[str, str]]) -> None:
    got = get(Metrics(two, token="t0ken"), "/metrics", **TOKEN)
    lines = got.data.decode().splitlines()
    assert 'pgq_queue_jobs{database="one",queue="mail",state="ready"} 1.0' in lines
    assert 'pgq_queue_jobs{database="other",queue="mail",state="ready"} 2.0' in lines
    assert lines.count("# TYPE pgq_queue_jobs gauge") == 1
    samples = [line for line in lines if not line.startswith("#")]
    assert all('{database="' in line for line in samples)
    accept = "application/openmetrics-text;version=1.0.0"
    got = get(Metrics(two, token="t0ken"), "/metrics", accept=accept, **TOKEN)
    assert got.data.endswith(b"# EOF\n")


@pytest.mark.slow
def test_one_that_does_not_answer_stops_none(
    two: dict[str, tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    pages = Metrics({**two, "gone": AWAY}, token="t0ken")
    with caplog.at_level(logging.WARNING, "pgq"):
        got = get(pages, "/metrics", **TOKEN)
    assert "database=gone" in caplog.text and "127.0.0.1" not in got.data.decode()
    lines = got.data.decode().splitlines()
    assert [line for line in lines if line.startswith("pgq_database_up")] == [
        'pgq_database_up{database="one"} 1.0',
        'pgq_database_up{database="other"} 1.0',
        'pgq_database_up{database="gone"} 0.0',
    ]
    assert 'pgq_queue_jobs{database="one",queue="mail",state="ready"} 1.0' in lines
    found = json.loads(get(pages, "/stats.json", **TOKEN).data)
    assert found["status"] == "fail"
    assert [each["database"] for each in found["databases"]] == ["one", "other", "gone"]
    assert [queue["ready"] for queue in found["databases"][1]["queues"]] == [2]
    assert found["databases"][2]["no_answer"].startswith("the database does not answer")
    assert get(pages, "/readyz").status_code == 200
    assert get(Metrics({"gone": AWAY}), "/readyz").status_code == 503
    assert get(Metrics({"gone": AWAY}, token="t0ken"), "/metrics", **TOKEN).status_code == 200


def test_numbers_of_several_are_as_closed(two: dict[str, tuple[str, str]]) -> None:
    for path in ("/metrics", "/stats.json"):
        assert get(Metrics(two), path).status_code == 403
        assert get(Metrics(two, token="t0ken"), path).status_code == 401


def test_no_database_is_refused() -> None:
    with pytest.raises(pgq.InvalidArgument, match="no database"):
        Metrics({})
