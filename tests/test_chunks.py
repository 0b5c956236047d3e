"""What is refused when a task is declared whose handler gets many jobs, and what its jobs carry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import pgq
from pgq.chunks import Chunking


def handler(items: list[Any]) -> None:
    """Stand at the top of a module."""


def declared(function: Callable[..., Any] = handler, **options: Any) -> pgq.tasks.AnyTask:
    declare: Any = pgq.Registry().task
    task: pgq.tasks.AnyTask = declare("t", **{"batch_size": 5, **options})(function)
    return task


def test_a_task_is_plain_without_it() -> None:
    task = pgq.Registry().task(handler)
    assert task.chunking is None and task.is_plain
    assert declared().chunking == Chunking(5, 1.0) and not declared().is_plain


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0, 0), (2.5, 2.5), ("500ms", 0.5), (timedelta(minutes=1), 60)]
)
def test_waits(wait: Any, seconds: float) -> None:
    assert declared(batch_wait=wait).chunking == Chunking(5, seconds)


@pytest.mark.parametrize("wait", [-1, "soon", True, float("nan"), 3601, 10**400, [], "1 hour"])
def test_wrong_waits(wait: Any) -> None:
    with pytest.raises(pgq.InvalidArgument, match="task 't': batch_wait is"):
        declared(batch_wait=wait)


@pytest.mark.parametrize("size", [0, -1, 1001, True, 2.0, "5"])
def test_wrong_sizes(size: Any) -> None:
    with pytest.raises(pgq.InvalidArgument, match="task 't': batch_size is"):
        declared(batch_size=size)


def no_arguments() -> None: ...


def two(items: list[Any], others: list[Any]) -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (handler, {"batch_size": None, "batch_wait": 1}, "batch_wait is how long jobs wait"),
        (handler, {"isolation": "process"}, "a process runs one job"),
        (handler, {"cron": "0 3 * * *"}, "its args do not fit"),
        (handler, {"context": True}, "gets just the contexts and the items"),
        (no_arguments, {}, "gets just the items of its jobs"),
        (two, {}, "gets just the items of its jobs"),
        (handler, {"unique_key": "{items}"}, "names 'items'"),
    ],
)
def test_what_cannot_go_together(
    function: Callable[..., Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(pgq.InvalidArgument, match=said):
        declared(function, **options)


def test_a_job_carries_one_item() -> None:
    task = declared(unique_key="k:{item}")
    assert task.job(7).args == [7]
    assert task.job(7).unique_key == "k:7"
    assert task.with_args({"id": 1, "n": 2}).args == {"id": 1, "n": 2}
    assert declared(partition_key=lambda item: item["id"]).job(id="x").partition_key == "x"
    for args, kwargs in (((), {}), ((1, 2), {}), ((1,), {"b": 2})):
        with pytest.raises(TypeError, match="list of one, or an object"):
            task.job(*args, **kwargs)


def test_the_database_can_make_its_keys() -> None:
    told = declared(unique_key="k:{item}").declaration()
    assert told["names"] == ["item"] and told["options"]["unique_key"] == "k:{item}"


def test_a_schedule_with_an_item_fits() -> None:
    registry = pgq.Registry()
    task = registry.task("t", batch_size=5)(handler)
    assert registry.schedule("s", task, every="1 hour", args=[7]).name == "s"


def test_the_handler_can_be_called_as_it_is() -> None:
    @pgq.Registry().task(batch_size=3)
    def double(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    assert double([1, 2]) == [2, 4]
