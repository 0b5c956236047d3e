"""Several workers in one event loop, which start, stop and fail together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

from pgq.lib.owners import of_worker
from pgq.lib.shield import wait_out
from pgq.processes.lasting import LastingWorker
from pgq.processes.titles import show_workers
from pgq.worker.worker import Worker

Member: TypeAlias = Worker | LastingWorker


class Crew:
    """Runs workers until all have ended; the first that fails ends the others too."""

    def __init__(self, workers: Sequence[Member]) -> None:
        self.workers = list(workers)
        self._runs: dict[asyncio.Task[None], Member] = {}
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    async def run(self) -> None:
        """Run all; raises what the first one raised, once the others have stopped."""
        for worker in self.workers:
            self._start(worker)
        title = of_worker(show_workers(self.workers))
        failure: BaseException | None = None
        try:
            while self._runs:
                done, _ = await asyncio.wait(self._runs, return_when=asyncio.FIRST_COMPLETED)
                for run in done:
                    self.workers.remove(self._runs.pop(run))
                    error = asyncio.CancelledError() if run.cancelled() else run.exception()
                    if error is not None and failure is None:
                        failure = error
                        self.stop()
        except asyncio.CancelledError:
            for worker in self.workers:
                worker._interrupt()
            runs = asyncio.gather(*self._runs, return_exceptions=True)
            await wait_out(runs, lambda: None)
            raise
        finally:
            title.cancel()
        if failure is not None:
            raise failure

    def replace(self, old: Sequence[Member], new: Sequence[Member]) -> None:
        """Stop some workers in order and start others at once."""
        for worker in old:
            worker.stop()
        for worker in new:
            self.workers.append(worker)
            self._start(worker)

    def stop(self) -> None:
        """Stop all in order. Again: no difference."""
        if not self._stopping:
            self._stopping = True
            for worker in self.workers:
                worker.stop()

    def stop_now(self) -> None:
        """Stop all at once."""
        self._stopping = True
        for worker in self.workers:
            worker.stop(at_once=True)

    def stop_harder(self) -> None:
        """Stop in order at the first call, at once at the second."""
        if self._stopping:
            self.stop_now()
        else:
            self.stop()

    def _start(self, worker: Member) -> None:
        self._runs[of_worker(worker.run())] = worker
