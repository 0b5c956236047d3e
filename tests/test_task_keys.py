"""Keys that a task makes of its jobs' arguments. No database."""

from __future__ import annotations

from typing import Any

import pytest

import pgq
from pgq.calls import jobs as calls


def key_of(job: pgq.NewJob) -> Any:
    return job.concurrency_key


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("account:{account_id}", "account:7"),
        ("{account_id:03d}/{region}", "007/eu"),
        ("{region:>{account_id}}", "     eu"),
        ("{options[plan]}", "pro"),
        ("{tags}", "('a', 'b')"),
        ("{{literal}}", "{literal}"),
        ("constant", "constant"),
    ],
)
def test_a_format_string_takes_the_handlers_arguments(template: str, key: str) -> None:
    @pgq.Registry().task(concurrency_key=template, context=True)
    def handle(
        context: pgq.Context, account_id: int, *tags: str, region: str = "eu", options: Any = None
    ) -> None:
        pass

    plan = {"plan": "pro"}
    assert key_of(handle.job(7, "a", "b", options=plan)) == key
    sent = {"args": [7, "a", "b"], "kwargs": {"options": plan}}
    assert calls.enqueue(handle, sent).parameters["concurrency_key"] == key


def test_a_function_takes_the_handlers_arguments_with_their_defaults() -> None:
    seen: list[Any] = []

    def key(*args: Any, **kwargs: Any) -> str | None:
        seen.append((args, kwargs))
        return "k"

    @pgq.Registry().task(unique_key=key)
    def handle(a: int, b: int = 2, *, c: int = 3) -> None:
        pass

    assert handle.job(a=1).unique_key == "k"
    assert seen == [((1, 2), {"c": 3})]
    assert calls.enqueue(handle, [1]).parameters["unique_key"] == "k"


def test_no_key_takes_its_options_along() -> None:
    @pgq.Registry().task(
        concurrency_key=lambda account: account,
        concurrency_limit=5,
        concurrency_on_conflict="discard",
        unique_key=lambda account: account,
        on_conflict="raise",
        unique_for=60,
        partition_key="{account}",
    )
    def handle(account: str | None) -> None:
        pass

    without = handle.job(None).as_json()
    assert without.pop("declared") == ["partition_key"]
    assert without == {"task": "handle", "args": [None], "partition_key": "None"}
    assert {**handle.job("x").as_json(), "declared": None} == {
        "declared": None,
        "task": "handle",
        "args": ["x"],
        "concurrency_key": "x",
        "concurrency_limit": 5,
        "concurrency_on_conflict": "discard",
        "unique_key": "x",
        "on_conflict": "raise",
        "unique_for": "60000000 microseconds",
        "partition_key": "x",
    }


def test_a_key_of_the_call_goes_before_the_tasks() -> None:
    @pgq.Registry().task(concurrency_key="{a}", concurrency_limit=5)
    def handle(a: int) -> None:
        pass

    given = calls.enqueue(handle, {"nope": 1}, concurrency_key="mine").parameters
    assert (given["concurrency_key"], given["concurrency_limit"]) == ("mine", 5)
    changed = calls.enqueue(handle.job(1), concurrency_key="mine").parameters
    assert changed["concurrency_key"] == "mine"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{user_id}", "'user_id', which is no argument"),
        ("{account_id:{width}}", "'width', which is no argument"),
        ("{context}", "'context', which is no argument"),
        ("{}", "'', which is no argument"),
        ("{0}", "'0', which is no argument"),
        ("{account_id", "no format string"),
        ("}", "no format string"),
        (5, "neither text nor a function"),
    ],
)
@pytest.mark.parametrize("option", ["unique_key", "concurrency_key", "partition_key"])
def test_a_key_that_can_never_be_made_is_refused_at_once(
    option: str, template: Any, says: str
) -> None:
    registry = pgq.Registry()

    def handle(context: pgq.Context, account_id: int) -> None:
        pass

    with pytest.raises(pgq.InvalidArgument, match=says) as caught:
        registry.task(context=True, **{option: template})(handle)
    assert f"task 'handle': {option}" in caught.value.message
    assert caught.value.hint
    assert not len(registry)


def test_args_that_make_no_key() -> None:
    registry = pgq.Registry()

    @registry.task(concurrency_key="{options[plan]}")
    def by_plan(options: dict[str, str]) -> None:
        pass

    @registry.task(concurrency_key="{**}")  # whatever it names may come
    def by_any(**options: str) -> None:
        pass

    @registry.task(concurrency_key=lambda number: number)  # type: ignore[arg-type, return-value]
    def by_number(number: int) -> None:
        pass

    with pytest.raises(pgq.InvalidJob, match=r"'plan'"):
        by_plan.job({})
    with pytest.raises(TypeError, match="options"):
        by_plan.job()  # type: ignore[call-arg]
    with pytest.raises(pgq.InvalidJob, match=r"the args do not fit 'by_plan': .*options"):
        calls.enqueue(by_plan, {"plan": "pro"})
    with pytest.raises(pgq.InvalidJob, match=r"cannot be made"):
        by_any.job(a="x")
    with pytest.raises(pgq.InvalidJob, match="is 5, not text"):
        by_number.job(5)


def test_a_handler_that_takes_anything_names_anything() -> None:
    @pgq.Registry().task(concurrency_key="{a}")
    def handle(**options: str) -> None:
        pass

    assert key_of(handle.job(a="x")) == "x"


def test_jobs_of_a_schedule_have_the_keys_of_its_args() -> None:
    registry = pgq.Registry()

    @registry.task(concurrency_key="account:{account}", concurrency_limit=2, partition_key="{zone}")
    def keyed(account: int, zone: str = "eu") -> None:
        pass

    made = registry.schedule("s", keyed, cron="@daily", args={"account": 5})
    assert (made.concurrency_key, made.concurrency_limit) == ("account:5", 2)
    assert made.partition_key == "eu"
    other = registry.schedule("o", keyed, cron="@daily", args=[6], concurrency_key="all")
    assert (other.concurrency_key, other.partition_key) == ("all", "eu")
    nightly = registry.task("nightly", cron="@daily", unique_key="n", unique_for=60)(lambda: None)
    assert nightly.schedule is not None
    assert (nightly.schedule.unique_key, nightly.schedule.unique_for) == ("n", 60)


def test_what_jobs_of_a_schedule_cannot_have() -> None:
    registry = pgq.Registry()

    @registry.task(concurrency_key="account:{account}")
    def keyed(account: int) -> None:
        pass

    with pytest.raises(pgq.InvalidArgument, match="args do not fit"):
        registry.schedule("s", keyed, cron="@daily")
    with pytest.raises(pgq.InvalidArgument, match="cannot have depends_on"):
        registry.schedule("s", pgq.NewJob("t", depends_on=[1]), cron="@daily")
    with pytest.raises(pgq.InvalidArgument, match="cannot have on_conflict"):
        registry.task("t", cron="@daily", unique_key="k", on_conflict="replace")(lambda: None)
    with pytest.raises(pgq.InvalidArgument, match="overlap skip and a unique_key"):
        registry.task("u", cron="@daily", unique_key="k", overlap="skip")(lambda: None)
