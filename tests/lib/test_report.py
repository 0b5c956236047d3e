"""Errors that do their worst when they are looked at: the report of a failure never fails."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

import pgq
from pgq.lib.report import first_line, text_of, traceback_of, type_of
from pgq.logs import JsonLines, TextLines, log_event
from pgq.worker.outcome import Failed, of_error
from tests.worker.running import drain

HUGE = "x" * 50_000_000


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class Interrupting(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Unprintable(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(f"the metaclass is asked for {name}")


class WithMeta(Exception, metaclass=Meta):
    pass


class Hidden(Exception):
    """Raises whatever it is asked for."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"the error is asked for {name}")


class Nameless(Exception):
    __module__ = 7  # type: ignore[assignment]


class Text(str):
    """Every method of str that one would use lies."""

    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError("getitem")

    def __len__(self) -> int:
        return -1

    def replace(self, *args: Any) -> Any:
        return self

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        raise RuntimeError("encode")


class Texts(Exception):
    def __str__(self) -> str:
        return Text("two\0\ud800 halves")


class Snoozing(pgq.Snooze):
    def __init__(self) -> None:
        pass


class Retrying(pgq.Retry):
    def __init__(self) -> None:
        pass

    @property
    def in_(self) -> Any:  # type: ignore[override]
        raise SystemExit(1)


def with_notes() -> Exception:
    error = ValueError("noted")
    error.__notes__ = [HUGE, Interrupting(), *[HUGE] * 1000]  # type: ignore[list-item]
    return error


def with_odd_notes() -> Exception:
    error = ValueError("noted")
    error.__notes__ = 7  # type: ignore[assignment]
    return error


def chained() -> Exception:
    error: Exception = ValueError("the first")
    for number in range(5000):
        later = ValueError(HUGE if number % 2 == 0 else f"{number}")
        later.__cause__ = error
        error = later
    return error


def in_a_circle() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__cause__ = second, first
    return first


def grouped() -> Exception:
    inner: Exception = ExceptionGroup("inner", [ValueError(HUGE)] * 5000)
    for _ in range(50):
        inner = ExceptionGroup("outer", [inner, Exiting(), *[ValueError(HUGE)] * 500])
    return inner


def syntax() -> Exception:
    return SyntaxError("bad", ("f.py", 3, 5, HUGE))


WORST: dict[str, Any] = {
    "sys.exit in __str__": (Exiting, "cannot be printed: SystemExit"),
    "KeyboardInterrupt in __str__": (Interrupting, "cannot be printed: KeyboardInterrupt"),
    "__str__ gives a number": (Unprintable, "cannot be printed: TypeError"),
    "metaclass": (WithMeta, ""),
    "attributes": (Hidden, ""),
    "module is a number": (Nameless, ""),
    "str subclass": (Texts, "two\\0\\ud800 halves"),
    "50 MB": (lambda: ValueError(HUGE), "... (50000000 characters)"),
    "50 MB in a repr": (lambda: KeyError(HUGE), "characters)"),
    "notes": (with_notes, "noted"),
    "odd notes": (with_odd_notes, "noted"),
    "chain": (chained, "4999"),
    "circle": (in_a_circle, "first"),
    "groups": (grouped, "outer"),
    "syntax": (syntax, "bad"),
    "snooze without a delay": (Snoozing, "no attribute 'delay'"),
    "retry that exits": (Retrying, ""),
    "lost": (lambda: pgq.JobLost("lost, they say"), "lost, they say"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WORST)
@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_at_its_worst_fails_its_job_and_no_other(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    what: str,
    is_async: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make, message = WORST[what]

    def fail() -> None:
        raise make()

    async def fail_async() -> None:
        await asyncio.sleep(0)
        raise make()

    registry.task("bad")(fail_async if is_async else fail)
    registry.task("good")(lambda: 7)
    bad, good = client.enqueue("bad", max_attempts=1), client.enqueue("good")
    began = time.monotonic()
    drain(dsn, registry)
    assert time.monotonic() - began < 15
    job = client.job(bad)
    assert job is not None and job.state == "failed" and job.errors
    (error,) = job.errors
    assert message in error["message"] and len(error["message"]) <= 4100
    assert error["traceback"] and len(error["traceback"]) <= 20_000
    assert "in fail" in error["traceback"]
    assert client.job(good).result == 7  # type: ignore[union-attr]
    assert client.verify() == []
    formatters: list[logging.Formatter] = [TextLines(), JsonLines()]
    for record in caplog.records:
        assert all(len(each.format(record)) < 30_000 for each in formatters)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001
        return caught


@pytest.mark.slow
def test_a_report_is_soon_made() -> None:
    began = time.monotonic()
    for make, _ in WORST.values():
        of_error(raised(make()))
    assert time.monotonic() - began < 10


def test_a_traceback_reads_like_pythons() -> None:
    def inner() -> None:
        raise KeyError("k")

    def outer() -> None:
        try:
            inner()
        except KeyError as error:
            error.add_note("a note")
            raise ValueError("wrong") from error

    try:
        outer()
    except ValueError as error:
        text = traceback_of(error)
    assert text is not None
    first, second = text.split(
        "\nThe above exception was the direct cause of the following exception:\n\n"
    )
    assert first.startswith("Traceback (most recent call last):\n  File ")
    assert first.endswith("KeyError: 'k'\na note\n") and "in inner" in first
    assert second.endswith("ValueError: wrong\n") and 'raise ValueError("wrong")' in second


def test_a_group_tells_some_of_its_members() -> None:
    text = traceback_of(raised(ExceptionGroup("many", [ValueError(str(n)) for n in range(50)])))
    assert text is not None
    assert "ExceptionGroup: many (50 sub-exceptions)" in text
    assert "1 of 50" in text and "  | ValueError: 9\n" in text and "ValueError: 10\n" not in text


def test_deep_recursion_is_told_by_its_end() -> None:
    def again() -> None:
        again()

    with pytest.raises(RecursionError) as found:
        again()
    text = traceback_of(found.value)
    assert text is not None and "more times]" in text and "RecursionError" in text


def test_what_was_handled_when_the_handler_was_called_is_left_out() -> None:
    outer = raised(OSError("of the caller"))
    error = ValueError("of the handler")
    error.__context__ = outer
    assert "of the caller" in (traceback_of(error) or "")
    assert "of the caller" not in (traceback_of(error, outer) or "")


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_a_worker_that_runs_inside_an_except_block(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    def fail() -> None:
        raise ValueError("of the handler")

    async def fail_async() -> None:
        await asyncio.sleep(0)
        raise ValueError("of the handler")

    registry.task("t")(fail_async if is_async else fail)
    job_id = client.enqueue("t", max_attempts=1)
    try:
        raise ModuleNotFoundError("of the program")
    except ModuleNotFoundError:
        drain(dsn, registry)
    job = client.job(job_id)
    assert job is not None and job.errors
    assert "of the handler" in job.errors[0]["traceback"]
    assert "of the program" not in job.errors[0]["traceback"]


def test_names_and_texts() -> None:
    assert type_of(ValueError()) == "ValueError"
    assert type_of(pgq.JobLost("")) == "pgq.errors.JobLost"
    assert type_of(WithMeta()).endswith("WithMeta") and type_of(Nameless()) == "Nameless"
    assert first_line(ValueError("two\nlines")) == "two" and first_line(OSError()) == "OSError"
    assert text_of(ValueError("x" * 5000), 30) == "xxxxxxxxx... (5000 characters)"
    failed = Failed(HUGE, HUGE, HUGE)
    assert len(failed.message) < 4100 and len(failed.error_type) < 300
    assert failed.traceback is not None and len(failed.traceback) == 20_000


def test_logging_a_value_does_not_fail_either(caplog: pytest.LogCaptureFixture) -> None:
    log_event(logging.ERROR, "event", a=Exiting(), b=HUGE)
    assert len(caplog.records[-1].getMessage()) < 2000
