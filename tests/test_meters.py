"""Metrics by OpenTelemetry: how much a process sends, and how long its runs take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

import pgq
import pgq.tracing
from tests.worker.running import drain


class Measured:
    """What was measured, by the instrument's name."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        data = self._reader.get_metrics_data()
        return {
            metric.name: [
                (dict(point.attributes or {}), point) for point in metric.data.data_points
            ]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def measured(registry: pgq.Registry) -> Iterator[Measured]:
    made = Measured()
    pgq.tracing.instrument(registry, tracer_provider=TracerProvider(), meter_provider=made.provider)
    yield made
    pgq.tracing.uninstrument(registry)


@pytest.mark.slow
def test_runs_are_timed_by_queue_task_and_error(
    client: pgq.Client, registry: pgq.Registry, dsn: str, measured: Measured
) -> None:
    running: list[Any] = []

    @registry.task("good")
    def good() -> None:
        running.append(measured.points()["pgq.worker.running"])

    @registry.task("bad", max_attempts=1)
    async def bad() -> None:
        raise LookupError("no")

    @registry.task("late", max_attempts=1)
    def late() -> None:
        raise pgq.Cancel

    for task in ("good", "good", "bad", "late"):
        client.enqueue(task, queue="mail")
    drain(dsn, registry)

    runs = {
        (about["pgq.task"], about.get("error.type"), about.get("pgq.decision")): point.count
        for about, point in measured.points()["messaging.process.duration"]
    }
    assert runs == {
        ("good", None, None): 2,
        ("bad", "LookupError", None): 1,
        ("late", None, "cancel"): 1,
    }
    labels = {
        "messaging.system": "pgq",
        "messaging.operation.name": "process",
        "messaging.destination.name": "mail",
        "pgq.task": "good",
    }
    assert all(labels in [about for about, _ in seen] for seen in running)
    assert any(point.value >= 1 for seen in running for _, point in seen)
    assert {point.value for _, point in measured.points()["pgq.worker.running"]} == {0}


def test_what_is_sent_is_counted_where_it_was_taken(client: pgq.Client, measured: Measured) -> None:
    client.enqueue("a", queue="mail")
    client.enqueue_many([pgq.NewJob("a", queue="mail") for _ in range(3)])
    with pytest.raises(pgq.InvalidJob):
        client.enqueue("a", queue="mail", max_attempts=-1)
    ((about, point),) = measured.points()["messaging.client.sent.messages"]
    assert point.value == 4
    assert (about["messaging.destination.name"], about["pgq.task"]) == ("mail", "a")
    calls = measured.points()["messaging.client.operation.duration"]
    assert {(about.get("error.type"), point.count) for about, point in calls} == {
        (None, 2),
        ("pgq.errors.InvalidJob", 1),
    }


@pytest.mark.slow
def test_claims_and_settles_are_timed(
    client: pgq.Client, registry: pgq.Registry, dsn: str, measured: Measured
) -> None:
    registry.task("t")(lambda: None)
    for _ in range(3):
        client.enqueue("t")
    drain(dsn, registry)
    found: dict[str, str] = {}
    for about, point in measured.points()["messaging.client.operation.duration"]:
        assert point.count > 0 and point.sum > 0
        assert set(about) <= {
            "messaging.system",
            *("messaging.operation.name", "messaging.operation.type"),
            *("messaging.destination.name", "pgq.task"),
        }
        found[about["messaging.operation.name"]] = about["messaging.operation.type"]
    assert found["send"] == "send"
    assert found["claim"] == "receive"
    # Whether it claims at the same time depends on when the jobs end.
    settles = {name: kind for name, kind in found.items() if name not in ("send", "claim")}
    assert settles and set(settles) <= {"settle", "settle_and_claim"}
    assert set(settles.values()) == {"settle"}


def test_an_exchange_that_fails_is_timed_with_its_error(measured: Measured) -> None:
    from pgq.calls import timing

    with pytest.raises(LookupError), timing.timed(settles=True, claims=True):
        raise LookupError
    ((about, point),) = measured.points()["messaging.client.operation.duration"]
    assert (about["messaging.operation.name"], about["error.type"]) == (
        "settle_and_claim",
        "LookupError",
    )
    assert point.count == 1


@pytest.mark.slow
def test_without_a_provider_nothing_is_in_the_way(
    client: pgq.Client, registry: pgq.Registry, dsn: str
) -> None:
    ran: list[int] = []
    registry.task("t")(lambda: ran.append(1))
    pgq.tracing.instrument(registry)
    try:
        client.enqueue("t")
        drain(dsn, registry)
    finally:
        pgq.tracing.uninstrument(registry)
    assert ran == [1]
