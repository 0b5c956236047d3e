"""Where the demo speaks: lines of text, and bars that move on a terminal (with rich)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click

from pgq.cli.output import has_colour, has_rich

Show = Callable[[int, str], None]
"""Shows how many are done, and a word about the rest."""

_LINE_SECONDS = 2.0


class Screen:
    """Writes to stdout, or, where that is for a machine (`quiet`), plain text to stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._err = quiet
        self._colour = has_colour() and not quiet
        self._rich = has_rich() and not quiet

    def title(self, text: str) -> None:
        """Begin a part."""
        self._echo(f"\n{text}", bold=True)

    def line(self, text: str) -> None:
        """Say something."""
        self._echo(f"  {text}")

    def quote(self, text: str) -> None:
        """Show a statement that is run."""
        self._echo("".join(f"  {line}\n" for line in text.splitlines()), dim=True, newline=False)

    def check(self, text: str, passed: bool) -> None:
        """Say that something is as it should be, or is not."""
        mark = ("ok  ", "green") if passed else ("FAIL", "red")
        label = click.style(mark[0], fg=mark[1], bold=True) if self._colour else mark[0]
        self._echo(f"  {label}  {text}")

    @contextmanager
    def step(self, text: str) -> Generator[None, None, None]:
        """Say that something is done, and how long it took; nothing where it fails."""
        begun = time.monotonic()
        yield
        self.line(f"{text}  ({time.monotonic() - begun:.1f} s)")

    @contextmanager
    def bar(self, total: int) -> Generator[Show, None, None]:
        """Show how far something is, at every call on a terminal, else in a line now and then."""
        if self._rich:
            with _rich_bar(total) as show:
                yield show
        else:
            yield self._line_by_line(total)

    def _line_by_line(self, total: int) -> Show:
        begun = time.monotonic()
        said = 0.0

        def show(done: int, note: str) -> None:
            nonlocal said
            passed = time.monotonic() - begun
            if done == total or passed - said >= _LINE_SECONDS:
                said = passed
                self.line(f"{passed:5.1f} s  {done:,} of {total:,}  {note}".rstrip())

        return show

    def _echo(
        self, text: str, *, bold: bool = False, dim: bool = False, newline: bool = True
    ) -> None:
        styled = click.style(text, bold=bold, dim=dim) if self._colour and (bold or dim) else text
        click.echo(styled, err=self._err, nl=newline)


@contextmanager
def _rich_bar(total: int) -> Generator[Show, None, None]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(" "),
        BarColumn(40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=total, note="")
        yield lambda done, note: progress.update(bar, completed=done, note=note, refresh=True)
