"""Instruments of OpenTelemetry beside the traces: how much is sent, how long calls and runs take.

`pgq.tracing.instrument` sets them up. They tell of one process; for the numbers of the database
see `pgq.contrib.metrics`. Names and units are those of the semantic conventions for messaging.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from opentelemetry import metrics

from pgq.errors import Cancel, ContinueAfter, Snooze
from pgq.lib.report import type_of
from pgq.version import __version__

# Seconds; a run may take a millisecond or hours.
_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)


class Meters:
    """Counts and times. What is attached: queue, task, the type of an error; nothing of a job."""

    def __init__(self, provider: metrics.MeterProvider | None = None) -> None:
        """`provider`: None is OpenTelemetry's global one, which does nothing until it is set up."""
        meter = metrics.get_meter("pgq", __version__, provider)
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Jobs that were enqueued."
        )
        self._calls = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "How long calls of the database that enqueue, claim and settle take.",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )
        self._runs = meter.create_histogram(
            "messaging.process.duration",
            "s",
            "How long runs of jobs take.",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )
        self._running = meter.create_up_down_counter(
            "pgq.worker.running", "{job}", "Jobs that run in this process now."
        )

    @contextmanager
    def sending(self, jobs: int, about: Mapping[str, Any]) -> Generator[None, None, None]:
        """Measure a call that enqueues; jobs count as sent where it raises nothing."""
        with self._calling(about):
            yield
        self._sent.add(jobs, about)

    def exchanging(self, operation: str) -> AbstractContextManager[None]:
        """Measure an exchange of a worker with the database: claim, settle or settle_and_claim."""
        kind = "receive" if operation == "claim" else "settle"
        return self._calling(
            {
                "messaging.system": "pgq",
                "messaging.operation.name": operation,
                "messaging.operation.type": kind,
            }
        )

    @contextmanager
    def _calling(self, about: Mapping[str, Any]) -> Generator[None, None, None]:
        labels = dict(about)
        began = time.perf_counter()
        try:
            yield
        except BaseException as failure:
            labels["error.type"] = type_of(failure)
            raise
        finally:
            self._calls.record(time.perf_counter() - began, labels)

    @contextmanager
    def running(self, about: Mapping[str, Any]) -> Generator[None, None, None]:
        """Measure a run; one that is snoozed or cancelled has not failed."""
        began = time.perf_counter()
        labels = dict(about)
        self._running.add(1, about)
        try:
            yield
        except (Snooze, Cancel, ContinueAfter) as decision:
            labels["pgq.decision"] = type(decision).__name__.lower()
            raise
        except BaseException as failure:
            labels["error.type"] = type_of(failure)
            raise
        finally:
            self._running.add(-1, about)
            self._runs.record(time.perf_counter() - began, labels)
