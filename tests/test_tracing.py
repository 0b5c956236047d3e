"""Traces by OpenTelemetry: one trace from the enqueue to the run, no matter who enqueued."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import pgq
import pgq.tracing
from tests.worker.running import drain

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Traces:
    """The spans that have ended."""

    def __init__(self) -> None:
        self.provider = TracerProvider()
        self._exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def spans(self, kind: SpanKind) -> list[ReadableSpan]:
        found = [span for span in self._exporter.get_finished_spans() if span.kind is kind]
        return sorted(found, key=lambda span: span.start_time or 0)

    def span(self, kind: SpanKind) -> ReadableSpan:
        (found,) = self.spans(kind)
        return found


@pytest.fixture
def traces(registry: pgq.Registry) -> Iterator[Traces]:
    made = Traces()
    pgq.tracing.instrument(registry, tracer_provider=made.provider)
    yield made
    pgq.tracing.uninstrument(registry)


def ids(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_a_run_is_a_child_of_its_enqueue(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces, is_async: bool
) -> None:
    current: list[tuple[int, int]] = []

    def look() -> None:
        context = trace.get_current_span().get_span_context()
        current.append((context.trace_id, context.span_id))

    if is_async:

        @registry.task("t")
        async def handle() -> None:
            look()
    else:

        @registry.task("t")
        def handle_in_thread() -> None:
            assert threading.current_thread() is not threading.main_thread()
            look()

    job_id = client.enqueue("t", queue="mail", max_attempts=3)
    drain(dsn, registry)
    sent, ran = traces.span(SpanKind.PRODUCER), traces.span(SpanKind.CONSUMER)
    assert (sent.name, ran.name) == ("send t", "process t")
    assert parent(sent) is None and parent(ran) == ids(sent) and current == [ids(ran)]
    shared = {
        "messaging.system": "pgq",
        "messaging.destination.name": "mail",
        "messaging.message.id": str(job_id),
        "pgq.task": "t",
    }
    send = {"messaging.operation.name": "send", "messaging.operation.type": "send"}
    process = {"messaging.operation.name": "process", "messaging.operation.type": "process"}
    assert dict(sent.attributes or {}) == {**shared, **send}
    assert dict(ran.attributes or {}) == {
        **shared,
        **process,
        "pgq.attempt": 1,
        "pgq.max_attempts": 3,
    }
    assert ran.status.status_code is StatusCode.UNSET


@pytest.mark.slow
def test_a_job_enqueued_by_a_job_goes_on_with_its_trace(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    @registry.task("first")
    async def first() -> None:
        async with pgq.AsyncClient(dsn) as own:
            await own.enqueue("second")

    registry.task("second")(lambda: None)
    client.enqueue("first")
    drain(dsn, registry)
    first_run, second_run = traces.spans(SpanKind.CONSUMER)
    _, second_sent = traces.spans(SpanKind.PRODUCER)
    assert parent(second_sent) == ids(first_run) and parent(second_run) == ids(second_sent)


@pytest.mark.slow
def test_many_jobs_have_one_span_and_flows_stay_whole(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    ran: list[str] = []
    for name in ("page", "merge"):
        registry.task(name)(lambda name=name: ran.append(name))
    pages = [pgq.NewJob("page", headers={"n": n}) for n in range(2)]
    client.enqueue_many(pgq.flow(pgq.NewJob("merge").after(*pages)))
    drain(dsn, registry)
    sent = traces.span(SpanKind.PRODUCER)
    assert sent.name == "send" and (sent.attributes or {})["messaging.batch.message_count"] == 3
    assert ran == ["page", "page", "merge"]
    assert [parent(each) for each in traces.spans(SpanKind.CONSUMER)] == [ids(sent)] * 3
    kept = [each.headers or {} for each in client.list_jobs(task="page", details=True).jobs]
    assert sorted(headers["n"] for headers in kept) == [0, 1]
    trace_id, span_id = ids(sent)
    header = f"00-{trace_id:032x}-{span_id:016x}-"
    assert all(headers["traceparent"].startswith(header) for headers in kept)


def test_a_parent_that_stands_twice_is_still_refused(client: pgq.Client, traces: Traces) -> None:
    twice = pgq.NewJob("t")
    with pytest.raises(pgq.InvalidJob, match="is twice among"):
        client.enqueue_many([twice, twice, pgq.NewJob("t").after(twice)])
    sent = traces.span(SpanKind.PRODUCER)
    assert sent.status.status_code is StatusCode.ERROR


@pytest.mark.slow
def test_a_trace_that_was_given_wins(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    conn: psycopg.Connection,
    traces: Traces,
) -> None:
    registry.task("t")(lambda: None)
    client.enqueue("t", headers={"traceparent": PARENT})
    conn.execute("select pgq.enqueue('t', headers => %s)", [f'{{"traceparent": "{PARENT}"}}'])
    conn.execute("""select pgq.enqueue('t', headers => '{"traceparent": 7}')""")
    drain(dsn, registry)
    given = (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    assert [parent(each) for each in traces.spans(SpanKind.CONSUMER)] == [given, given, None]


@pytest.mark.slow
def test_links_instead_of_a_parent(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    pgq.tracing.instrument(registry, tracer_provider=traces.provider, links=True)
    registry.task("t")(lambda: None)
    client.enqueue("t")
    drain(dsn, registry)
    sent, ran = traces.span(SpanKind.PRODUCER), traces.span(SpanKind.CONSUMER)
    assert parent(ran) is None and ids(ran)[0] != ids(sent)[0]
    assert [(link.context.trace_id, link.context.span_id) for link in ran.links] == [ids(sent)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "attribute"),
    [
        (ValueError("wrong"), StatusCode.ERROR, ("error.type", "ValueError")),
        (pgq.Fail("never"), StatusCode.ERROR, ("error.type", "pgq.errors.Fail")),
        (pgq.Snooze(3600), StatusCode.UNSET, ("pgq.decision", "snooze")),
        (pgq.Cancel("of no use"), StatusCode.UNSET, ("pgq.decision", "cancel")),
    ],
)
def test_errors_are_recorded_and_decisions_are_none(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    traces: Traces,
    error: Exception,
    status: StatusCode,
    attribute: tuple[str, str],
) -> None:
    @registry.task("t")
    async def handle() -> None:
        raise error

    client.enqueue("t", max_attempts=1)
    drain(dsn, registry)
    ran = traces.span(SpanKind.CONSUMER)
    assert ran.status.status_code is status
    assert attribute in dict(ran.attributes or {}).items()
    assert len(ran.events) == (status is StatusCode.ERROR)


def test_an_enqueue_that_is_refused_is_an_error(
    registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    with pytest.raises(pgq.InvalidJob):
        client.enqueue("")
    sent = traces.span(SpanKind.PRODUCER)
    assert sent.status.status_code is StatusCode.ERROR
    assert (sent.attributes or {})["error.type"] == "pgq.errors.InvalidJob"


@pytest.mark.parametrize("headers", [["no", "object"], 3])
def test_headers_of_a_wrong_kind_are_refused_as_ever(
    client: pgq.Client, traces: Traces, headers: Any
) -> None:
    with pytest.raises(pgq.InvalidJob, match="headers"):
        client.enqueue("t", headers=headers)


def test_without_instrument_nothing_is_added(
    registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    pgq.tracing.uninstrument(registry)
    assert registry.middleware == []
    job = client.job(client.enqueue("t"))
    assert job is not None and not job.headers and traces.spans(SpanKind.PRODUCER) == []


@pytest.mark.slow
def test_instrument_twice_is_once(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    pgq.tracing.instrument(registry, tracer_provider=traces.provider)
    registry.task("t")(lambda: None)
    client.enqueue("t")
    drain(dsn, registry)
    assert len(traces.spans(SpanKind.CONSUMER)) == len(traces.spans(SpanKind.PRODUCER)) == 1


@pytest.mark.slow
def test_without_a_provider_jobs_run_as_ever(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    pgq.tracing.instrument(registry, tracer_provider=trace.NoOpTracerProvider())
    try:
        job_id = client.enqueue(registry.task("t")(lambda: 1))
        drain(dsn, registry)
    finally:
        pgq.tracing.uninstrument(registry)
    job = client.job(job_id)
    assert job is not None and job.result == 1 and not job.headers


def test_a_client_of_a_pool_or_connection_is_traced_too(
    conn: psycopg.Connection, dsn: str, registry: pgq.Registry, traces: Traces
) -> None:
    pgq.Client(conn).enqueue("t")

    async def enqueue() -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await pgq.AsyncClient(connection).enqueue("t")

    asyncio.run(enqueue())
    assert len(traces.spans(SpanKind.PRODUCER)) == 2


@pytest.mark.slow
def test_without_the_package_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import pgq; pgq.Worker; pgq.Client\n"
        "try:\n    import pgq.tracing\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'pgq-sql[otel]'" in done.stdout


@pytest.mark.slow
def test_a_call_for_many_jobs_is_one_run_that_links_to_all_their_enqueues(
    dsn: str, registry: pgq.Registry, client: pgq.Client, traces: Traces
) -> None:
    registry.task("t", batch_size=3)(lambda _items: None)
    for n in range(3):
        client.enqueue("t", [n])
    drain(dsn, registry)
    sent, ran = traces.spans(SpanKind.PRODUCER), traces.span(SpanKind.CONSUMER)
    assert parent(ran) == ids(sent[0])
    linked = [(link.context.trace_id, link.context.span_id) for link in ran.links]
    assert linked == [ids(span) for span in sent[1:]]
    assert ran.attributes is not None
    assert ran.attributes["messaging.batch.message_count"] == 3
