"""Which event loop a worker's process runs on."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from pgq.processes import event_loop


async def answer() -> int:
    return 42


def test_asyncio_where_uvloop_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert event_loop.run(answer()) == 42


def test_uvloop_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Uvloop(ModuleType):
        @staticmethod
        def new_event_loop() -> asyncio.AbstractEventLoop:
            made.append("uvloop")
            return asyncio.new_event_loop()

    monkeypatch.setitem(sys.modules, "uvloop", Uvloop("uvloop"))
    assert event_loop.run(answer()) == 42
    assert made == ["uvloop"]
