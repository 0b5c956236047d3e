"""What a handler may know of its job, and do for it.

    @pgq.task("pay", context=True)
    async def pay(context: pgq.Context, order_id: int) -> None:
        async with context.transaction() as connection:
            await connection.execute("insert into payments …")

The insert and the end of the job are one transaction: the payment exists once, whatever happens.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from datetime import timedelta
from types import TracebackType
from typing import Any, NoReturn, Protocol

import psycopg

from pgq.calls import batches as flow_calls
from pgq.calls import jobs as calls
from pgq.calls.call import Call
from pgq.client.send import send
from pgq.client.send_async import send_async
from pgq.errors import Cancel, ContinueAfter, InvalidArgument, InvalidJob, JobLost, Snooze
from pgq.jobs import NewJob
from pgq.lib.forks import generation
from pgq.options import OnParentFailure
from pgq.rows import ClaimedJob, Outcome, ParentResult
from pgq.values import JsonText, json_text


class JobHolder(Protocol):
    """Who holds the job of a context: a worker, or a test."""

    schema: str

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        """Have the progress written soon; called in any thread."""
        ...

    def lend(self, gives_up: Callable[[], bool]) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend a connection outside of any transaction, for a handler in a thread.

        It may take long; `gives_up` says whether it is not needed any more: then Cancel is raised.
        """
        ...

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """Lend a connection outside of any transaction, for an async handler."""
        ...


class Context:
    """The job of a handler. Its attributes are read-only but `result`.

    `result` is what a transaction() completes the job with; any other return value of the handler
    is then ignored. `together` are the contexts of all jobs that one call of the handler runs, this
    one among them; None: the handler gets its jobs one by one.
    """

    together: Sequence[Context] | None = None

    def __init__(self, job: ClaimedJob, holder: JobHolder) -> None:
        self.job_id = job.job_id
        self.claim_id = job.claim_id
        self.task = job.task
        self.queue = job.queue
        self.attempt = job.attempt
        self.max_attempts = job.max_attempts
        self.headers: dict[str, Any] = job.headers or {}
        self.result: Any = None
        self.completing = False
        self.completed = False
        self.lent: psycopg.Connection[Any] | psycopg.AsyncConnection[Any] | None = None
        self._job = job
        self._holding = holder
        self._generation = generation()
        self._cancelled = False

    @property
    def _holder(self) -> JobHolder:
        """Who holds the job: not a child that the handler has forked."""
        if generation() != self._generation:
            raise InvalidArgument(
                "the job is held by the process that this one was forked from",
                "Send what you have to the handler, and let it do this.",
            )
        return self._holding

    @property
    def cancelled(self) -> bool:
        """Whether the handler should stop: pgq may ignore what it returns from now on.

        Somebody cancelled the job, its time is over, it was lost, or the worker must end at once.
        An async handler is cancelled as well; one in a thread should look at this now and then.
        """
        return self._cancelled

    def cancel(self) -> None:
        """Tell the handler to stop. Called by the worker, and by tests of handlers."""
        self._cancelled = True

    def progress(self, value: Any) -> None:
        """Report how far the job has come, for people who watch it: any JSON value.

        Returns at once, in async handlers and in threads. It is written within half a second; of
        several values only the last one is. Raises InvalidJob for what is not JSON.
        """
        self._holder.note_progress(self._job, json_text(value, "progress"))

    def parent_results(self) -> list[ParentResult]:
        """Return the states and results of the jobs that this one depends on, in its order.

        For a handler in a thread. Inside its transaction() it asks on that connection.
        """
        if isinstance(self.lent, psycopg.Connection):
            return send(self.lent, self._parents(), self._holder.schema)
        with self._holder.lend(lambda: self._cancelled) as connection:
            return send(connection, self._parents(), self._holder.schema)

    async def parent_results_async(self) -> list[ParentResult]:
        """Return the same as `parent_results`, for an async handler."""
        if isinstance(self.lent, psycopg.AsyncConnection):
            return await send_async(self.lent, self._parents(), self._holder.schema)
        async with self._holder.lend_async() as connection:
            return await send_async(connection, self._parents(), self._holder.schema)

    def _parents(self) -> Call[list[ParentResult]]:
        return flow_calls.parent_results(self.job_id)

    def snooze(self, delay: timedelta | float) -> NoReturn:
        """Leave the handler and run the job again later, without counting this attempt."""
        raise Snooze(delay)

    def continue_after(
        self, jobs: Iterable[NewJob], *, on_parent_failure: OnParentFailure | None = None
    ) -> NoReturn:
        """Leave the handler, enqueue these jobs, and run the job again when they have ended.

        See pgq.ContinueAfter.
        """
        raise ContinueAfter(jobs, on_parent_failure=on_parent_failure)

    def cancel_job(self, reason: str = "") -> NoReturn:
        """Leave the handler and end the job as cancelled, with the reason among its errors."""
        raise Cancel(reason)

    def transaction(self) -> JobTransaction:
        """Begin a transaction that ends with the job completed: both or neither.

        Use it with `async with` in an async handler and with `with` in one that runs in a thread;
        it yields a psycopg connection. At the end of the block the job is completed with `result`,
        and all is committed. Raises JobLost there, and rolls back, if the claim is not valid any
        more. An error inside rolls back too; the job then fails as usual. While the database is
        away the block waits to begin, up to the job's timeout.
        """
        return self._ends_with()

    def completes_in(
        self, transaction: AbstractContextManager[Any], run: Callable[[Call[Any]], Any]
    ) -> AbstractContextManager[None]:
        """Do the same in a transaction of your own, such as Django's atomic(): both or neither.

        `transaction` begins, commits and rolls back. `run` sends a call in it, as the method of
        Client(connection) does. For a handler in a thread.
        """
        return self._ends_with().around(transaction, run)

    def _ends_with(self) -> JobTransaction:
        if self.together is not None:
            raise InvalidArgument(
                "a handler with batch_size does not complete its jobs itself",
                "Return how each of them ended, or leave batch_size out.",
            )
        return JobTransaction(self, self._holder)


class JobTransaction:
    """See Context.transaction()."""

    def __init__(self, context: Context, holder: JobHolder) -> None:
        self._context = context
        self._holder = holder
        self._blocking: AbstractContextManager[psycopg.Connection[Any]] | None = None
        self._async: AbstractAsyncContextManager[psycopg.AsyncConnection[Any]] | None = None

    def __enter__(self) -> psycopg.Connection[Any]:
        self._blocking = self._run()
        return self._blocking.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._blocking is not None
        return self._blocking.__exit__(kind, error, trace)

    async def __aenter__(self) -> psycopg.AsyncConnection[Any]:
        self._async = self._run_async()
        return await self._async.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        assert self._async is not None
        return await self._async.__aexit__(kind, error, trace)

    @contextmanager
    def around(
        self, transaction: AbstractContextManager[Any], run: Callable[[Call[Any]], Any]
    ) -> Generator[None, None, None]:
        """See Context.completes_in()."""
        with self._ending(None), transaction:
            yield
            self._check(run(self._completion()))

    @contextmanager
    def _run(self) -> Generator[psycopg.Connection[Any], None, None]:
        with (
            self._holder.lend(lambda: self._context.cancelled) as connection,
            self._ending(connection),
            connection.transaction(),
        ):
            yield connection
            self._check(send(connection, self._completion(), self._holder.schema))

    @asynccontextmanager
    async def _run_async(self) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
        async with self._holder.lend_async() as connection:
            with self._ending(connection):
                async with connection.transaction():
                    yield connection
                    call = self._completion()
                    self._check(await send_async(connection, call, self._holder.schema))

    def _completion(self) -> Call[list[Outcome]]:
        job = self._context
        results = None if job.result is None else [json_text(job.result, "result")]
        return calls.complete_batch([job.job_id], [job.claim_id], results)

    def _check(self, outcomes: list[Outcome]) -> None:
        if outcomes[0].outcome == "refused":
            # What the handler wrote is rolled back, and with it the failure that SQL has noted.
            raise InvalidJob(
                "the result cannot be stored",
                "Numbers go up to 1.8e308, and JSON 64 levels deep; store the data elsewhere.",
            )
        # "already" is no success here: something else of this run was settled before.
        if outcomes[0].outcome != "ok":
            message = f"job {self._context.job_id} is not claimed by this worker any more"
            raise JobLost(message, "Do not catch this error.")

    @contextmanager
    def _ending(
        self, lent: psycopg.Connection[Any] | psycopg.AsyncConnection[Any] | None
    ) -> Generator[None, None, None]:
        """Mark the time in which the database may know of the end before the worker does."""
        self._context.completing = True
        self._context.lent = lent
        try:
            yield
            self._context.completed = True
        finally:
            self._context.completing = False
            self._context.lent = None
