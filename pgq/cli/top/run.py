"""Run `pgq top`: one thread looks at the database, this one reads keys and draws."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pgq.cli.output import clean
from pgq.cli.top import actions, page
from pgq.cli.top.keys import Keyboard, keyboard
from pgq.cli.top.look import Looker, Seen
from pgq.cli.top.several import LookerAtAll
from pgq.cli.top.view import HELP, HELP_OF_ACTIONS, View, Wish

# How long (seconds) the drawing waits for a key; also how soon it follows the terminal's size.
_TICK: Final = 0.2
# Lines around the rows: two above, the names of the screens, titles, one below.
_AROUND: Final = 5
_SPARE: Final = 1.5


@dataclass
class Background:
    """The thread that asks the database, so that a slow answer holds up no key."""

    looker: Looker | LookerAtAll
    every: float
    screen: str
    found: queue.SimpleQueue[Seen | Exception] = field(default_factory=queue.SimpleQueue)
    said: queue.SimpleQueue[Callable[[View], None]] = field(default_factory=queue.SimpleQueue)
    _todo: queue.SimpleQueue[Callable[[], None]] = field(default_factory=queue.SimpleQueue)
    _wake: threading.Event = field(default_factory=threading.Event)
    _ended: bool = False

    def look_now(self) -> None:
        """Look without waiting for the next turn."""
        self._wake.set()

    def plan(self, wish: Wish) -> None:
        """Find out what a wish would do, and have the view ask."""

        def find_out() -> None:
            words = actions.question(self.looker.client_of(wish.row), wish)
            if words is None:
                self.said.put(lambda view: _tell(view, "there are no such jobs"))
            else:
                self.said.put(lambda view: view.ask(wish, words))

        self._do(find_out)

    def fulfil(self, wish: Wish) -> None:
        """Do what a person said yes to."""

        def act() -> None:
            words = actions.do(self.looker.client_of(wish.row), wish)
            self.looker.forget()
            self.said.put(lambda view: _tell(view, words))

        self._do(act)

    def _do(self, task: Callable[[], None]) -> None:
        self._todo.put(task)
        self._wake.set()

    def run(self) -> None:
        """Look, act, look again, until `end`."""
        while not self._ended:
            self._wake.clear()
            try:
                while not self._todo.empty():
                    self._todo.get()()
                self.found.put(self.looker.look(self.screen))
            except Exception as error:  # noqa: BLE001 (a terminal shows it, and it goes on)
                self.found.put(error)
            self._wake.wait(self.every)

    def end(self) -> None:
        """Let the thread end after its answer."""
        self._ended = True
        self._wake.set()


def _tell(view: View, words: str) -> None:
    view.message = words


def run(looker: Looker | LookerAtAll, view: View) -> None:
    """Show it on this terminal until a person ends it."""
    console = Console(highlight=False)
    behind = Background(looker, view.interval, view.screen.name)
    thread = threading.Thread(target=behind.run, daemon=True)
    with (
        keyboard(sys.stdin.fileno()) as keys,
        Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live,
        _running(thread, behind),
    ):
        _loop(keys, behind, view, console, live)


@contextmanager
def _running(thread: threading.Thread, behind: Background) -> Generator[None, None, None]:
    thread.start()
    try:
        yield
    finally:
        behind.end()


def _loop(keys: Keyboard, behind: Background, view: View, console: Console, live: Live) -> None:
    error: Exception | None = None
    good_at = time.monotonic()
    drawn: object = None
    while all(_pressed(key, view, behind) for key in keys.pressed(_TICK)):
        while not behind.said.empty():
            behind.said.get()(view)
        while not behind.found.empty():
            found = behind.found.get()
            if isinstance(found, Exception):
                error = found
            else:
                view.shows(found)
                error, good_at = None, time.monotonic()
        stale = staleness(time.monotonic() - good_at, view.interval, error)
        lines = drawing(view, console.width, console.height, stale)
        now = ([line.markup for line in lines], console.size)
        if now != drawn:
            live.update(Group(*lines), refresh=True)
            drawn = now


def _pressed(key: str, view: View, behind: Background) -> bool:
    """Do what a key means; false where it ends all."""
    done = view.press(key)
    if done.plans:
        behind.plan(done.plans)
    if done.does:
        behind.fulfil(done.does)
    behind.every, behind.screen = view.interval, view.screen.name
    if done.looks:
        behind.look_now()
    return not done.quits


def staleness(seconds: float, interval: float, error: Exception | None) -> str | None:
    """Say since when nothing new came, and why; None where all is well."""
    if error is None and seconds < interval * 2 + _SPARE:
        return None
    why = f": {clean(str(error).strip().partition(chr(10))[0])}" if error else ""
    return f"stale {seconds:.0f} s, trying again{why}"


def drawing(view: View, width: int, height: int, stale: str | None = None) -> list[Text]:
    """Return all lines of the terminal."""
    width = max(width, 1)
    if view.seen is None:
        return [Text(stale or "asking the database ...", no_wrap=True)]
    clock = f"{view.seen.at.astimezone():%H:%M:%S}"
    lines = page.summary(view.seen.overview, width, clock, stale)
    lines.append(page.tabs(view.screen.name, width))
    room = max(height - _AROUND, 1)
    lines += _middle(view, width, room)
    lines = lines[: max(height - 1, 1)]
    lines += [Text("") for _ in range(height - 1 - len(lines))]
    return [*lines, _last_line(view, width)]


def _middle(view: View, width: int, room: int) -> list[Text]:
    rows, chosen = view.rows, view.cursor()
    if view.mode == "help":
        return _plain(HELP + (HELP_OF_ACTIONS if view.operates else ""))
    if view.mode == "detail" and chosen >= 0:
        return _plain("\n".join(page.details(rows[chosen], view.screen)), width)
    if view.seen is not None and view.seen.screen != view.screen.name:
        return _plain("...")
    if not rows:
        return _plain(f"no row with {view.wanted!r}" if view.wanted else view.screen.empty)
    first = max(0, min(chosen - room + 1, len(rows) - room))
    sort, down = view.order
    return page.table(
        view.screen,
        rows[first : first + room],
        width,
        sort=sort,
        down=down,
        chosen=chosen - first,
    )


def _plain(text: str, width: int | None = None) -> list[Text]:
    lines = [Text(line, no_wrap=width is None) for line in text.splitlines()]
    if width is None:
        return lines
    console = Console(width=width)
    return [part for line in lines for part in line.wrap(console, width)]


def _last_line(view: View, width: int) -> Text:
    if view.mode == "ask":
        text = Text(f"{view.message} [y/N] ", "bold yellow")
    elif view.mode == "filter":
        text = Text(f"/{view.wanted}▏")
    elif view.message:
        text = Text(view.message, "yellow")
    else:
        state = "frozen" if view.frozen else f"every {view.interval:g} s"
        wanted = f"/{view.wanted}  " if view.wanted else ""
        rows = len(view.rows)
        text = Text(f"{wanted}{rows} row{'s' * (rows != 1)}  {state}  ? help  q end", "dim")
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis")
    return text
