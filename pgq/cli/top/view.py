"""What a person sees and does in `pgq top`: which screen, in which order, and what keys mean.

Nothing here reads a key, asks a database or draws: `press` changes the view, and answers what else
is to be done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from pgq.cli.top.columns import SCREENS, Row, Screen, arranged, columns_of, name
from pgq.cli.top.look import Seen

INTERVALS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

Mode = Literal["table", "detail", "filter", "ask", "help"]
Action = Literal["pause", "retry", "cancel"]

HELP: Final = """\
1 2 3 4 5 6, tab, left, right   another screen
up, down, j, k, page up, down   another row
enter      all of a row         esc   back
/          only rows with a text; esc clears it
s, S       sort by the next column; the other way round
space      freeze; again: go on
+ -        look more often, less often
r          look now
q          end
"""
HELP_OF_ACTIONS: Final = """\
p          pause or resume a queue, a worker, a schedule
R          retry the jobs that failed by an error
C          cancel a running job
"""


class Wish(NamedTuple):
    """Something to change: `action` for a row of a screen. `words` says it to a person."""

    action: Action
    screen: str
    row: Row
    words: str


class Effect(NamedTuple):
    """What is to be done after a key."""

    quits: bool = False
    looks: bool = False
    """Ask the database now."""
    plans: Wish | None = None
    """Find out what this would do, and ask the person."""
    does: Wish | None = None
    """The person said yes."""


NOTHING: Final = Effect()
_LOOK: Final = Effect(looks=True)


@dataclass
class View:
    """What is shown, and how."""

    operates: bool = False
    interval: float = 2.0
    screen: Screen = SCREENS[0]
    mode: Mode = "table"
    wanted: str = ""
    """Only rows with this text."""
    frozen: bool = False
    chosen: object = None
    """What tells the row under the cursor apart: it stays with it, wherever the row moves."""
    place: int = 0
    message: str = ""
    asked: Wish | None = None
    seen: Seen | None = None
    _order: dict[str, tuple[str, bool]] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, bool]:
        """By which column the screen is sorted, and whether the highest comes first."""
        return self._order.get(self.screen.name, (self.screen.sort, self.screen.down))

    @property
    def rows(self) -> list[Row]:
        """The rows to show, in their order."""
        if self.seen is None or self.seen.screen != self.screen.name:
            return []
        return arranged(self.screen, self.seen.rows, *self.order, self.wanted)

    def shows(self, seen: Seen) -> None:
        """Take what was found; a frozen view keeps what it has, unless it has nothing to show."""
        if not self.frozen or self.seen is None or self.seen.screen != seen.screen:
            self.seen = seen

    def cursor(self) -> int:
        """Return the place of the cursor's row; -1 where there is none."""
        rows = self.rows
        for place, row in enumerate(rows):
            if self.chosen is not None and self._key(row) == self.chosen:
                self.place = place
                return place
        self.place = max(0, min(self.place, len(rows) - 1))
        return self.place if rows else -1

    def row(self) -> Row | None:
        """Return the row under the cursor."""
        place = self.cursor()
        return self.rows[place] if place >= 0 else None

    def press(self, key: str) -> Effect:
        """Do what a key means."""
        self.message = ""
        match self.mode:
            case "filter":
                return self._edit(key)
            case "ask":
                return self._answer(key)
            case "help" | "detail" if key != "q":
                # C, R and p work in a detail too.
                if self.mode == "detail" and key in _WISHES:
                    return self._wish(key)
                self.mode = "table"
                return NOTHING
            case _:
                return self._command(key)

    def _command(self, key: str) -> Effect:
        if key in _MOVES:
            return self._move(_MOVES[key])
        if key in _WISHES:
            return self._wish(key)
        if key.isdigit() and 1 <= int(key) <= len(SCREENS):
            return self._turn_to(int(key) - 1)
        simple: dict[str, Callable[[], Effect]] = {
            "q": lambda: Effect(quits=True),
            "r": lambda: _LOOK,
            "tab": lambda: self._turn(1),
            "right": lambda: self._turn(1),
            "back tab": lambda: self._turn(-1),
            "left": lambda: self._turn(-1),
            " ": self._freeze,
            "+": lambda: self._look_every(-1),
            "-": lambda: self._look_every(1),
            "s": self._sort,
            "S": self._turn_round,
            "/": lambda: self._go("filter"),
            "?": lambda: self._go("help"),
            "enter": lambda: self._go("detail") if self.row() else NOTHING,
            "escape": self._clear,
        }
        return simple[key]() if key in simple else NOTHING

    def _key(self, row: Row) -> object:
        return (row.get(self.screen.key), row.get("queue"), row.get("database"))

    def _move(self, by: int) -> Effect:
        rows = self.rows
        if rows:
            self.place = max(0, min(self.cursor() + by, len(rows) - 1))
            self.chosen = self._key(rows[self.place])
        return NOTHING

    def _turn(self, by: int) -> Effect:
        return self._turn_to((SCREENS.index(self.screen) + by) % len(SCREENS))

    def _turn_to(self, number: int) -> Effect:
        self.screen = SCREENS[number]
        self.chosen, self.place, self.wanted = None, 0, ""
        return _LOOK

    def _freeze(self) -> Effect:
        self.frozen = not self.frozen
        return NOTHING if self.frozen else _LOOK

    def _look_every(self, by: int) -> Effect:
        nearest = min(range(len(INTERVALS)), key=lambda n: abs(INTERVALS[n] - self.interval))
        self.interval = INTERVALS[max(0, min(nearest + by, len(INTERVALS) - 1))]
        self.message = f"a look every {self.interval:g} s"
        return NOTHING

    def _sort(self) -> Effect:
        rows = self.seen.rows if self.seen else []
        names = [column.name for column in columns_of(self.screen, rows)]
        following = names[(names.index(self.order[0]) + 1) % len(names)]
        texts = any(isinstance(row.get(following), str) for row in rows)
        self._order[self.screen.name] = (following, not texts)
        self.message = f"sorted by {following.replace('_', ' ')}"
        return NOTHING

    def _turn_round(self) -> Effect:
        sort, down = self.order
        self._order[self.screen.name] = (sort, not down)
        return NOTHING

    def _go(self, mode: Mode) -> Effect:
        self.mode = mode
        return NOTHING

    def _clear(self) -> Effect:
        self.wanted = ""
        return NOTHING

    def _edit(self, key: str) -> Effect:
        if key == "backspace":
            self.wanted = self.wanted[:-1]
        elif key == "escape":
            self.wanted, self.mode = "", "table"
        elif key == "enter":
            self.mode = "table"
        elif len(key) == 1 and len(self.wanted) < 100:
            self.wanted += key
        return NOTHING

    def _wish(self, key: str) -> Effect:
        row = self.row()
        action = _WISHES[key]
        if row is None:
            return NOTHING
        if not self.operates:
            self.message = "to change things, start it as `pgq top --operate`"
            return NOTHING
        words = _WORDS.get((action, self.screen.name))
        if words is None:
            self.message = f"nothing to {action} here"
            return NOTHING
        return Effect(plans=Wish(action, self.screen.name, row, words(row)))

    def ask(self, wish: Wish, words: str) -> None:
        """Ask the person, in these words, whether that is to be done."""
        self.asked, self.mode, self.message = wish, "ask", words

    def _answer(self, key: str) -> Effect:
        wish, self.asked, self.mode = self.asked, None, "table"
        if key in {"y", "Y"} and wish is not None:
            return Effect(does=wish)
        self.message = "nothing was changed"
        return NOTHING


def _pausing(what: str, key: str) -> Callable[[Row], str]:
    def words(row: Row) -> str:
        verb = "resume" if row["status"] in {"paused", "pause", "broken"} else "pause"
        return f"{verb} the {what} {name(row[key])}"

    return words


_MOVES: Final = {
    "up": -1,
    "k": -1,
    "down": 1,
    "j": 1,
    "page up": -15,
    "page down": 15,
    "home": -100_000,
    "end": 100_000,
}
_WISHES: Final[dict[str, Action]] = {"p": "pause", "R": "retry", "C": "cancel"}
_WORDS: Final[dict[tuple[Action, str], Callable[[Row], str]]] = {
    ("pause", "queues"): _pausing("queue", "queue"),
    ("pause", "workers"): _pausing("worker", "name"),
    ("pause", "schedules"): _pausing("schedule", "schedule"),
    ("retry", "errors"): lambda row: f"retry the jobs of {name(row['task'])} that failed by it",
    ("cancel", "running"): lambda row: f"cancel the job {row['id']} of {name(row['task'])}",
}
