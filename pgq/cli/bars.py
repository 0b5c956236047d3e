"""A bar for commands that take long: on a terminal, on stderr, where rich is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tells the bar how much more is done, and what is done now."""

    def __call__(self, more: float = 1, *, now: str | None = None) -> None:
        """Move the bar."""


def has_bar() -> bool:
    """Say whether somebody would see one."""
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


@contextmanager
def progress(what: str, total: float | None = None) -> Generator[Advance, None, None]:
    """Show a bar while the block runs, which is gone afterwards; yield what moves it.

    Without a total it only shows that something is done, and since when.
    """
    if not has_bar():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    # What is written to stdout meanwhile stays there.
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as shown:
        bar = shown.add_task(what, total=total, count="")
        done = 0.0

        def advance(more: float = 1, *, now: str | None = None) -> None:
            nonlocal done
            done += more
            # An estimate may have been too low.
            most = None if total is None else max(total, done)
            count = f"{done:,.0f}" if most is None else f"{done:,.0f} of {most:,.0f}"
            shown.update(
                bar, total=most, completed=done, count=count, description=now or what, refresh=True
            )

        yield advance


def _nothing(more: float = 1, *, now: str | None = None) -> None:
    """Move no bar."""
