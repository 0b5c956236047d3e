"""Whatever is of a wrong type is refused by the argument's name, in every call of a client.

By the annotations of all that a client can call, so that a new one is covered by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

import pgq
from tests.calls.test_bindings import calls

NOW = datetime(2030, 1, 1, tzinfo=UTC)
UNLIKE = object()
NUL, HALF = "a\0b", "a\ud800b"
CALLS = calls()

# Wrong values by the first of these words that an annotation has.
WRONG: dict[str, tuple[Any, ...]] = {
    "NewSchedule]": (5, "x", b"x", [5], ["x"], [{"name": "s"}], {"a": 1}, UNLIKE, True, 1.5),
    "Iterable[NewJob]": (5, "x", b"x", [5], ["x"], [{"task": "t"}], {"a": 1}, UNLIKE, True, 1.5),
    "Iterable[AnyTask]": (5, "x", b"x", [5], ["x"], [{"task": "t"}], {"a": 1}, UNLIKE, True, 1.5),
    "AnyTask": (5, b"x", ["t"], {"task": "t"}, UNLIKE, True, 1.5, NUL, HALF),
    "NewJob": (5, "x", b"x", ["t"], {"task": "t"}, UNLIKE, True, 1.5),
    "Backoff": (b"x", True, UNLIKE, {1, 2}, {"base": b"x"}, [b"x"], [UNLIKE], NUL, HALF),
    "Sequence[Duration": (5, b"x", "5 s", {"a": 1}, [b"x"], [True], [[1]], UNLIKE),
    "Iterable[Duration": (5, b"x", "5 s", {"a": 1}, [b"x"], [True], [[1]], UNLIKE),
    "Duration": (b"x", True, [1], {"a": 1}, UNLIKE, float("nan"), NUL, HALF),
    "Args": (5, "x", b"x", True, 1.5, UNLIKE, {1, 2}, [NUL], [HALF], [float("nan")], {"a": b"x"}),
    "Mapping": (5, "x", b"x", True, 1.5, [1], UNLIKE, {"a": NUL}, {"a": HALF}, {"a": b"x"}),
    "datetime": (5, 1.5, "2030-01-01", b"x", True, [NOW], {"a": NOW}, date(2030, 1, 1), UNLIKE,
                 datetime(2030, 1, 1)),  # noqa: DTZ001 (that is what is wrong)
    "[bool": (5, "x", b"x", {"a": True}, [1], ["yes"], [[True]], UNLIKE, True),
    "bool": (0, 1, 1.5, "yes", b"x", [True], {"a": True}, UNLIKE),
    "Sequence[int]": (5, 1.5, "17", b"x", [1.5], ["17"], [True], [b"x"], [[1]], [2**63], {1: 2},
                      UNLIKE),
    "[int]": (1.5, "17", b"x", [1.5], ["17"], [True], [None], [b"x"], [[1]], [2**63], {1: 2},
              UNLIKE, True),
    "int": (1.5, "17", b"x", [1], {"a": 1}, True, 2**63, -(2**63) - 1, UNLIKE),
    "[str": (5, 1.5, "x", b"x", [5], [b"x"], [["x"]], {"a": 1}, [NUL], [HALF], UNLIKE, True),
    "[State]": (5, 1.5, "ready", b"x", [5], [b"x"], [["x"]], {"a": 1}, [NUL], [HALF], UNLIKE, True),
    "Iterable[Any]": (5, "x", b"x", {"a": 1}, [UNLIKE], [b"x"], [float("nan")], [NUL], [HALF]),
    "Any": (UNLIKE, b"x", {1, 2}, float("nan"), NUL, HALF, [b"x"]),
    # Text, and words such as those of a Literal.
    "": (5, 1.5, b"x", ["x"], {"a": "x"}, True, NUL, HALF, UNLIKE),
}  # fmt: skip

# One good value for each argument that must be given, by its annotation.
GOOD: dict[str, Any] = {
    "Iterable[int]": [1],
    "Sequence[int]": [1],
    "Sequence[str]": ["q"],
    "Iterable[Duration": ["1 s"],
    "NewSchedule]": [],
    "Iterable[NewJob]": [],
    "Iterable[AnyTask]": [],
    "Iterable[str]": ["x"],
    "AnyTask": "t",
    "int": 1,
    "Any": 1,
    "": "pause",
}


@pytest.fixture
def client(dsn: str) -> Iterator[pgq.Client]:
    with pgq.Client(dsn) as made:
        yield made


def of_annotation(table: dict[str, Any], annotation: str) -> Any:
    return next(values for word, values in table.items() if word in annotation)


def cases() -> Iterator[tuple[str, str]]:
    for name, function in sorted(CALLS.items()):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is not parameter.VAR_KEYWORD:  # options of a job, which are below
                yield name, parameter.name


def filled(function: Callable[..., Any], **wrong: Any) -> dict[str, Any]:
    """Return good values for what must be given, and the wrong one."""
    good = {
        each.name: of_annotation(GOOD, str(each.annotation))
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    }
    return good | wrong


@pytest.mark.parametrize(("name", "parameter"), list(cases()), ids=lambda each: each)
def test_a_wrong_value_is_refused_by_the_argument_s_name(
    client: pgq.Client, conn: psycopg.Connection, name: str, parameter: str
) -> None:
    function = CALLS[name]
    annotation = str(inspect.signature(function).parameters[parameter].annotation)
    faults = []
    for wrong in of_annotation(WRONG, annotation):
        options = filled(function, **{parameter: wrong})
        if name == "schedule" and parameter not in ("cron", "every"):
            options["every"] = 60
        try:
            getattr(client, name)(**options)
        except (pgq.PgqError, TypeError, ValueError) as error:
            said = str(error)
            if parameter.rstrip("s") not in said and "job 1" not in said:
                faults.append(f"{wrong!r} is not named: {error!r}")
        except Exception as error:  # noqa: BLE001 (that is the fault)
            faults.append(f"{wrong!r}: {error!r}")
        else:
            faults.append(f"{wrong!r} is taken")
    assert faults == []
    row = conn.execute("select (select count(*) from pgq.jobs) + (select count(*) from pgq.queues)")
    assert row.fetchone() == (0,)


JOB = inspect.signature(pgq.NewJob).parameters
SCHEDULE = inspect.signature(pgq.NewSchedule).parameters


@pytest.mark.parametrize("option", list(JOB))
@pytest.mark.parametrize("door", ["enqueue", "enqueue_many", "create_batch"])
def test_a_wrong_option_of_a_job_is_refused_by_its_name(
    client: pgq.Client, conn: psycopg.Connection, door: str, option: str
) -> None:
    faults = []
    keyed = ("on_conflict", "unique_while", "unique_for", "max_wait")
    key = {"unique_key": "k"} if option in keyed else {}
    annotation = "Iterable[int]" if option == "depends_on" else str(JOB[option].annotation)
    for wrong in of_annotation(WRONG, annotation):
        if option == "depends_on" and not isinstance(wrong, list | dict):
            continue  # one alone is refused elsewhere
        if (door, option) == ("enqueue", "ref"):
            continue  # of no meaning there
        job = pgq.NewJob(**{"task": "t", **key, option: wrong})
        try:
            match door:
                case "enqueue":
                    client.enqueue(job)
                case "enqueue_many":
                    client.enqueue_many([pgq.NewJob("first"), job])
                case _:
                    client.create_batch(on_finish=job)
        except pgq.InvalidJob as error:
            place = {"enqueue": option, "enqueue_many": "job 2", "create_batch": "on_finish"}[door]
            if option not in str(error) and place not in str(error):
                faults.append(f"{wrong!r} is not named: {error!r}")
        except Exception as error:  # noqa: BLE001 (that is the fault)
            faults.append(f"{wrong!r}: {error!r}")
        else:
            faults.append(f"{wrong!r} is taken")
    assert faults == []
    row = conn.execute("select count(*) from pgq.jobs")
    assert row.fetchone() == (0,)


@pytest.mark.parametrize("option", list(SCHEDULE))
def test_a_wrong_option_of_a_declared_schedule_is_refused_by_its_name(
    client: pgq.Client, option: str
) -> None:
    faults = []
    for wrong in of_annotation(WRONG, str(SCHEDULE[option].annotation)):
        if (option, wrong) == ("cron", NUL):
            continue
        timing = {} if option == "cron" else {"every": 60}
        given: dict[str, Any] = {"name": "s", "task": "t", **timing, option: wrong}
        try:
            client.sync_schedules("here", [pgq.NewSchedule(**given)])
        except pgq.PgqError as error:
            if option not in str(error) and "schedule" not in str(error):
                faults.append(f"{wrong!r} is not named: {error!r}")
        except Exception as error:  # noqa: BLE001 (that is the fault)
            faults.append(f"{wrong!r}: {error!r}")
        else:
            faults.append(f"{wrong!r} is taken")
    assert faults == []


def _kind(value: Any) -> str:
    # An object's text holds its address, so it would differ from process to process.
    return type(value).__name__


@pytest.mark.parametrize("what", ["wait", "wait_batch"])
@pytest.mark.parametrize(
    "wrong", [b"x", "5 s", True, [1], {"a": 1}, float("nan"), UNLIKE], ids=_kind
)
def test_a_wrong_timeout_of_a_wait_is_refused(client: pgq.Client, what: str, wrong: Any) -> None:
    with pytest.raises((pgq.PgqError, TypeError, ValueError), match="timeout"):
        getattr(client, what)(1, timeout=wrong)


def test_a_wrong_task_of_a_wait_is_refused(client: pgq.Client) -> None:
    for wrong in WRONG["AnyTask"]:
        with pytest.raises(pgq.InvalidArgument, match="task: "):
            client.wait(1, task=wrong)
