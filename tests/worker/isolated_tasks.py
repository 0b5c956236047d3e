"""Handlers that run in child processes; a new process imports this module."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from pathlib import Path
from typing import Any

import pgq

registry = pgq.Registry()
task = registry.task


class NotWorthIt(Exception):
    pass


@task(isolation="process")
def process_id(**args: Any) -> dict[str, Any]:
    return {"args": args, "pid": os.getpid()}


@task(isolation="process")
async def process_id_async(**args: Any) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"args": args, "pid": os.getpid()}


class Tasks:
    @staticmethod
    @task("a_static_method", isolation="process")
    def run() -> int:
        return os.getpid()


@task(isolation="process", max_attempts=1)
def hang(file: str) -> None:
    """Let no other thread run, as some C code does; but say first that it has begun."""
    Path(file).write_text(f"{os.getpid()}")
    ctypes.PyDLL(None).sleep(600)


@task(isolation="process", timeout=5, max_attempts=1)
def hang_too_long(file: str) -> None:
    hang(file)


@task(isolation="process", memory="64MB", max_attempts=1)
def eat(size: int) -> int:
    return len(bytearray(size))


@task(isolation="process", cpu_time=1, max_attempts=1)
def burn() -> None:
    while True:
        pass


@task(isolation="process", max_attempts=1)
def die(how: str) -> None:
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(__import__("signal"), how))
    time.sleep(60)


@task(isolation="process", max_attempts=3, no_retry_on=NotWorthIt)
def fail(how: str) -> Any:
    if how == "final":
        raise NotWorthIt("ünï")
    if how == "result":
        return object()
    raise SystemExit(how)


@task(isolation="process", context=True)
def report(context: pgq.Context, file: str) -> None:
    context.progress({"half": True})
    while not Path(file).exists():
        time.sleep(0.02)


@task(isolation="process", context=True)
def complete(context: pgq.Context, fails: bool) -> str:
    with context.transaction() as connection:
        connection.execute("insert into effects values (%s)", (context.job_id,))
        context.result = {"seen": context.attempt}
        if fails:
            raise ValueError("in the transaction")
    return "not this"


@task(isolation="process", context=True)
async def complete_async(context: pgq.Context) -> None:
    async with context.transaction() as connection:
        await connection.execute("insert into effects values (%s)", (context.job_id,))


@task(isolation="process", context=True)
def put_off(context: pgq.Context) -> None:
    context.snooze(3600)


@task(isolation="process", context=True)
def sum_of_parents(context: pgq.Context) -> int:
    return sum(parent.result["args"]["n"] for parent in context.parent_results())


@task(isolation="process", context=True, max_attempts=1)
def go_on(context: pgq.Context, count: int) -> int:
    done = context.parent_results()
    if not done:
        context.continue_after(process_id.job(n=n) for n in range(count))
    return sum(parent.result["args"]["n"] for parent in done)
