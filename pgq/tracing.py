"""OpenTelemetry: a span for each enqueue and for each run of a job, in one trace; and metrics.

    import pgq.tracing

    pgq.tracing.instrument()

Call it where jobs are enqueued and where they run; it needs `pip install 'pgq-sql[otel]'`, and an
SDK that is set up. The trace travels in the job's headers (`traceparent`), so that a job enqueued
in SQL may carry one as well; headers that were given are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from pgq import tasks
from pgq.calls import publishing, timing
from pgq.calls.call import Call, Row
from pgq.context import Context
from pgq.errors import Cancel, ContinueAfter, Snooze
from pgq.jobs import NewJob
from pgq.lib.report import type_of
from pgq.middleware import CallNext
from pgq.version import __version__

try:
    from opentelemetry import propagate, trace
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import (
        Link,
        Span,
        SpanContext,
        SpanKind,
        Status,
        StatusCode,
        Tracer,
        TracerProvider,
    )
except ImportError as error:
    raise ImportError(
        "pgq.tracing needs OpenTelemetry: pip install 'pgq-sql[otel]'", name=error.name
    ) from error

from pgq.meters import Meters

T = TypeVar("T")
_DEFAULT_QUEUE: Final = "default"


def instrument(
    registry: tasks.Registry | None = None,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    links: bool = False,
) -> None:
    """Trace what this process enqueues, and the jobs of workers with this registry; measure both.

    By default the registry is that of `pgq.task`, and the providers are OpenTelemetry's global
    ones. With `links` each run has its own trace, linked to the enqueuer's; without it, a run is a
    child of the enqueuer's span. The enqueues of all clients are traced, whatever the registry. A
    second call replaces what the first one did.
    """
    known = tasks.registry if registry is None else registry
    uninstrument(known)
    known.middleware.insert(
        0, TracingMiddleware(tracer_provider, meter_provider=meter_provider, links=links)
    )
    meters = Meters(meter_provider)
    publishing.publisher = _TracedPublisher(_tracer(tracer_provider), meters)
    timing.timer = meters.exchanging


def uninstrument(registry: tasks.Registry | None = None) -> None:
    """Undo what `instrument` did."""
    known = tasks.registry if registry is None else registry
    known.middleware[:] = [
        each for each in known.middleware if not isinstance(each, TracingMiddleware)
    ]
    publishing.publisher = None
    timing.timer = None


class TracingMiddleware:
    """The middleware alone: a consumer span around each handler, async or not, that is timed."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        links: bool = False,
    ) -> None:
        self._tracer = _tracer(tracer_provider)
        self._meters = Meters(meter_provider)
        self._links = links

    async def __call__(self, context: Context, call_next: CallNext) -> None:
        """Run the rest inside of a span."""
        sender = propagate.extract(_texts(context.headers))
        links: list[Link] = []
        if self._links:
            origin = _origin(context)
            links = [Link(origin)] if origin.is_valid else []
            sender = trace.set_span_in_context(trace.INVALID_SPAN, sender)
        together = context.together or ()
        origins = [_origin(each) for each in together if each is not context]
        links += [Link(origin) for origin in origins if origin.is_valid]
        measured = self._meters.running(
            {
                "messaging.system": "pgq",
                "messaging.operation.name": "process",
                "messaging.destination.name": context.queue,
                "pgq.task": context.task,
            }
        )
        span_of_run = self._tracer.start_as_current_span(
            f"process {context.task}",
            context=sender,
            kind=SpanKind.CONSUMER,
            attributes=_counted(_of_run(context), len(together)),
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        )
        with span_of_run as span, measured:
            try:
                await call_next()
            except (Snooze, Cancel, ContinueAfter) as decision:
                span.set_attribute("pgq.decision", type(decision).__name__.lower())
                raise
            except BaseException as failure:
                _fail(span, failure)
                raise


class _TracedPublisher:
    """A producer span around the call that enqueues; its place in the trace goes into headers."""

    def __init__(self, tracer: Tracer, meters: Meters) -> None:
        self._tracer = tracer
        self._meters = meters

    def __call__(
        self, jobs: Sequence[NewJob], build: Callable[[Sequence[NewJob]], Call[T]]
    ) -> Call[T]:
        if not jobs:
            return build(jobs)
        about = _of_sending(jobs)
        span = self._tracer.start_span(
            _sent_name(jobs), kind=SpanKind.PRODUCER, attributes=_counted(about, len(jobs))
        )
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(span))
        try:
            call = build(_with_headers(jobs, carrier))
        except BaseException as failure:
            _fail(span, failure)
            span.end()
            raise

        def read(rows: Sequence[Row]) -> T:
            answer = call.read(rows)
            if len(jobs) == 1 and rows and rows[0][0] is not None:
                span.set_attribute("messaging.message.id", str(rows[0][0]))
            return answer

        return replace(
            call, read=read, around=lambda: _sending(span, self._meters.sending(len(jobs), about))
        )


@contextmanager
def _sending(span: Span, measured: AbstractContextManager[None]) -> Generator[None, None, None]:
    with trace.use_span(
        span, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            with measured:
                yield
        except BaseException as failure:
            _fail(span, failure)
            raise


def _with_headers(jobs: Sequence[NewJob], carrier: Mapping[str, str]) -> Sequence[NewJob]:
    """Return the jobs with the carrier among their headers, those apart that have a trace."""
    if not carrier:
        return jobs
    # A parent is known by its identity, so each job has one successor, and its children name that.
    changed: dict[int, NewJob] = {}
    for job in jobs:
        if id(job) not in changed:
            changed[id(job)] = _with_header(job, carrier, changed)
    return [changed[id(job)] for job in jobs]


def _with_header(job: NewJob, carrier: Mapping[str, str], changed: dict[int, NewJob]) -> NewJob:
    given: Any = {} if job.headers is None else job.headers
    # What is no mapping is for the schema to refuse.
    is_free = isinstance(given, Mapping) and not given.keys() & carrier.keys()
    headers = {**carrier, **given} if is_free else given
    parents = job.depends_on
    if parents is not None:
        parents = [changed.get(id(parent), parent) for parent in parents]
    return replace(job, headers=headers, depends_on=parents)


def _origin(context: Context) -> SpanContext:
    """Return the span of who enqueued the job."""
    return trace.get_current_span(propagate.extract(_texts(context.headers))).get_span_context()


def _of_sending(jobs: Sequence[NewJob]) -> dict[str, str | int]:
    known: dict[str, str | int] = {
        "messaging.system": "pgq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    queues = {job.queue or _DEFAULT_QUEUE for job in jobs}
    if len(queues) == 1:
        known["messaging.destination.name"] = queues.pop()
    names = {job.task for job in jobs}
    if len(names) == 1:
        known["pgq.task"] = names.pop()
    return known


def _counted(about: dict[str, str | int], jobs: int) -> dict[str, str | int]:
    return {**about, "messaging.batch.message_count": jobs} if jobs > 1 else about


def _of_run(context: Context) -> dict[str, str | int]:
    return {
        "messaging.system": "pgq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": context.queue,
        "messaging.message.id": str(context.job_id),
        "pgq.task": context.task,
        "pgq.attempt": context.attempt,
        "pgq.max_attempts": context.max_attempts,
    }


def _sent_name(jobs: Sequence[NewJob]) -> str:
    names = {job.task for job in jobs}
    return f"send {names.pop()}" if len(names) == 1 else "send"


def _fail(span: Span, failure: BaseException) -> None:
    kind = type_of(failure)
    span.set_attribute("error.type", kind)
    span.record_exception(failure)
    span.set_status(Status(StatusCode.ERROR, kind))


def _texts(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that can be of a trace; the others may be any JSON."""
    return {key: value for key, value in headers.items() if isinstance(value, str)}


def _tracer(provider: TracerProvider | None) -> Tracer:
    return trace.get_tracer("pgq", __version__, provider)
