"""A worker process as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time

from pgq.processes.plan import ProcessPlan


class Child:
    """One process that was started; `wait` for its end."""

    def __init__(self, plan: ProcessPlan) -> None:
        self.plan = plan
        self.worker_ids: list[tuple[int, int]] = []  # with each worker's place in the plan
        self.has_left = False
        self.began = time.monotonic()
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Start the process; raises OSError where that fails."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # In a group of its own: Ctrl-C in the terminal reaches the supervisor alone.
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "pgq.cli.worker_process", f"{theirs.fileno()}"),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    process_group=0,
                )
            except BaseException:
                ours.close()
                raise
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._writer.write(f"{self.plan.to_text()}\n".encode())
        self._hearing = asyncio.create_task(self._hear(reader))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else 0

    async def wait(self) -> int:
        """Wait for its end; return the exit code, or minus the signal that ended it."""
        assert self._process is not None and self._hearing is not None
        code = await self._process.wait()
        # What it said last may still be under way; a process of its own may hold the socket open.
        await asyncio.wait([self._hearing], timeout=1)
        self._hearing.cancel()
        if self._writer is not None:
            self._writer.close()
        return code

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self._process is not None and self._process.returncode is None:
                self._process.send_signal(number)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                match line.split():
                    case [b"registered", worker_id, place]:
                        self.worker_ids.append((int(worker_id), int(place)))
                    case [b"left"]:
                        self.has_left = True
                    case _:
                        pass


def how_it_ended(code: int) -> str:
    """Say it in words, for people."""
    if code >= 0:
        return f"exited with code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
