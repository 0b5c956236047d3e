"""The windows of time that charts and tables show, each with its steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pgq.contrib.web.page import Visit


class Window(NamedTuple):
    """A length of time up to now, in steps that begin at whole minutes, hours or days (UTC)."""

    name: str
    length: timedelta
    step: timedelta

    def since(self, now: datetime) -> datetime:
        """Return when the first step began; the last one is the one of now."""
        passed = (now - _EPOCH) % self.step
        return now - passed - self.length + self.step


class Choice(NamedTuple):
    """A window to choose."""

    name: str
    url: str
    is_chosen: bool


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
WINDOWS: Final = (
    Window("1h", timedelta(hours=1), timedelta(minutes=1)),
    Window("6h", timedelta(hours=6), timedelta(minutes=5)),
    Window("24h", timedelta(hours=24), timedelta(minutes=15)),
    Window("7d", timedelta(days=7), timedelta(hours=2)),
    Window("90d", timedelta(days=90), timedelta(days=1)),
)


def chosen(visit: Visit, usual: str = "1h") -> Window:
    """Return the window that the address names, else the usual one."""
    known = {window.name: window for window in WINDOWS}
    return known.get(visit.arg("window"), known[usual])


def choices(visit: Visit, window: Window) -> list[Choice]:
    """Return all windows as links to this page."""
    return [
        Choice(each.name, visit.links.here(window=each.name, said=None), each == window)
        for each in WINDOWS
    ]
