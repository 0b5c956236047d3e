"""What a test expects to be enqueued."""

from __future__ import annotations

from typing import Any, Final

from pgq.client.clients import Client
from pgq.client.clients_async import AsyncClient
from pgq.errors import InvalidArgument
from pgq.jobs import NewJob
from pgq.rows import ListedJob
from pgq.tasks import AnyTask, Task

# A test looks at so many of the newest jobs of a task.
_LOOK: Final[dict[str, Any]] = {"page_size": 1000, "max_looked_at": 1_000_000, "details": True}


def assert_enqueued(
    client: Client,
    task: str | AnyTask | NewJob,
    args: Any = None,
    *,
    count: int | None = None,
    **expected: Any,
) -> ListedJob:
    """Return the newest job of this task with these args and attributes, or fail.

    args: as they are stored; None fits all. `task.job(…)` stands for a task and its args. count:
    how many such jobs there must be; None means at least one. Other keywords are attributes of
    pgq.rows.ListedJob, such as queue or state; of headers, the job may have more. Raises
    AssertionError, which lists the jobs of that task; InvalidArgument for an attribute that jobs do
    not have.
    """
    name = _name_of(task)
    return _chosen(client.list_jobs(task=name, **_LOOK).jobs, task, args, count, expected)


async def assert_enqueued_async(
    client: AsyncClient,
    task: str | AnyTask | NewJob,
    args: Any = None,
    *,
    count: int | None = None,
    **expected: Any,
) -> ListedJob:
    """Do the same as `assert_enqueued` with an AsyncClient."""
    name = _name_of(task)
    found = await client.list_jobs(task=name, **_LOOK)
    return _chosen(found.jobs, task, args, count, expected)


def assert_not_enqueued(
    client: Client, task: str | AnyTask | NewJob, args: Any = None, **expected: Any
) -> None:
    """Fail if there is a job of this task with these args and attributes."""
    jobs = client.list_jobs(task=_name_of(task), **_LOOK).jobs
    if found := _fitting(jobs, task, args, expected):
        raise AssertionError(f"there is such a job: {_described(found)}")


def _name_of(task: str | AnyTask | NewJob) -> str:
    if isinstance(task, NewJob):
        return task.task
    return task.name if isinstance(task, Task) else task


def _chosen(
    jobs: list[ListedJob],
    task: str | AnyTask | NewJob,
    args: Any,
    count: int | None,
    expected: dict[str, Any],
) -> ListedJob:
    found = _fitting(jobs, task, args, expected)
    if not found or count not in (None, len(found)):
        number = "no" if not found else str(len(found))
        wanted = "" if count is None else f", {count} wanted"
        raise AssertionError(
            f"{number} such job of task {_name_of(task)!r}{wanted}; "
            f"there are: {_described(jobs) or 'none'}"
        )
    return found[0]


def _fitting(
    jobs: list[ListedJob], task: str | AnyTask | NewJob, args: Any, expected: dict[str, Any]
) -> list[ListedJob]:
    if unknown := sorted(expected.keys() - set(ListedJob._fields)):
        hint = f"Jobs have {', '.join(ListedJob._fields)}."
        raise InvalidArgument(f"a job has no {', '.join(unknown)}", hint)
    if isinstance(task, NewJob) and args is None:
        args = task.args
    return [job for job in jobs if (args is None or job.args == args) and _fits(job, expected)]


def _fits(job: ListedJob, expected: dict[str, Any]) -> bool:
    attributes = dict(expected)
    headers = attributes.pop("headers", None) or {}
    return headers.items() <= (job.headers or {}).items() and all(
        getattr(job, name) == value for name, value in attributes.items()
    )


def _described(jobs: list[ListedJob]) -> str:
    """Return the first jobs as text for people, a line each."""
    lines = [f"\n  {job.id} {job.state} queue={job.queue} args={job.args!r}" for job in jobs[:20]]
    return "".join(lines) + ("\n  …" if len(jobs) > 20 else "")
