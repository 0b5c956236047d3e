"""What is refused when a task is declared that wants a process of its own."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

import pgq
from pgq.isolation import Limits


def handler() -> None:
    """Stand at the top of a module."""


def limits(**options: Any) -> Limits | None:
    options = {"isolation": "process", **options}
    return pgq.Registry().task("t", **options)(handler).limits


def test_without_isolation_there_are_no_limits() -> None:
    assert pgq.Registry().task(handler).limits is None
    assert limits() == Limits(None, None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
@pytest.mark.parametrize(
    ("memory", "size"),
    [("512MB", 512 * 10**6), ("1.5 GiB", 1536 * 2**20), ("2048kb", 2048000), (2**20, 2**20)],
)
def test_sizes(memory: Any, size: int) -> None:
    assert limits(memory=memory) == Limits(size, None)


@pytest.mark.parametrize("memory", ["", "0MB", "5", "five MB", -1, 1.5, True, "1e3MB", "9" * 99])
def test_wrong_sizes(memory: Any) -> None:
    with pytest.raises(pgq.InvalidArgument, match="task 't': memory"):
        limits(memory=memory)


@pytest.mark.parametrize("given", [90, 90.0, "90s", "1m30s", timedelta(seconds=90)])
def test_processor_time(given: Any) -> None:
    assert limits(cpu_time=given) == Limits(None, 90.0)


@pytest.mark.parametrize(
    "given", [0, -1, 0.5, float("nan"), float("inf"), "", "soon", True, 10**400, timedelta(0)]
)
def test_wrong_processor_time(given: Any) -> None:
    with pytest.raises(pgq.InvalidArgument, match="task 't': cpu_time is"):
        limits(cpu_time=given)


def test_limits_need_a_process() -> None:
    for options in ({"memory": "512MB"}, {"cpu_time": 5}):
        with pytest.raises(pgq.InvalidArgument, match="limit a process") as refused:
            limits(isolation=None, **options)
        assert refused.value.hint == 'Add isolation="process".'


def test_another_isolation_is_refused() -> None:
    with pytest.raises(pgq.InvalidArgument, match="isolation is 'thread'"):
        limits(isolation="thread")


def test_what_another_process_cannot_find_is_refused() -> None:
    def inner() -> None: ...

    class Local(Exception): ...

    for wrong in (inner, lambda: None):
        with pytest.raises(pgq.InvalidArgument, match="another process cannot find"):
            pgq.Registry().task("t", isolation="process")(wrong)
    with pytest.raises(pgq.InvalidArgument, match="cannot find its retry_on"):
        limits(retry_on=Local)
