"""`pgq top` over several databases: whose rows are whose, and one that is away."""

from __future__ import annotations

import json
import threading

import pytest

import pgq as package
from pgq.cli.failures import Failure
from pgq.cli.top import several
from pgq.cli.top.columns import SCREENS, arranged, columns_of
from pgq.cli.top.look import Looker
from pgq.cli.top.several import LookerAtAll
from pgq.cli.top.view import View, Wish
from tests.cli.conftest import Pgq, eventually
from tests.cli.test_fleet import both
from tests.cli.test_fleet import dsns as dsns

pytestmark = pytest.mark.slow


@pytest.fixture
def filled(dsns: list[str]) -> list[str]:
    """Three jobs in one database, and five in the other."""
    for dsn, count in zip(dsns, (3, 5), strict=True):
        with package.Client(dsn) as client:
            client.enqueue_many([package.NewJob("t", {}, queue="mail")] * count)
    return dsns


@pytest.mark.parametrize("screen", [each.name for each in SCREENS])
def test_every_screen_is_of_all(
    nowhere: Pgq, filled: list[str], screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = nowhere("top", screen, "--once", *both(filled)).stdout.splitlines()
    assert "2 of 2 databases" in lines[0] and lines[1].startswith("ready 8 ")
    assert max(map(len, lines)) <= 100
    if screen == "queues":
        assert lines[3].split()[:3] == ["database", "queue", "status"]
        assert len(lines[4:]) == 2


def test_one_that_is_away_is_named_and_the_others_are_shown(
    nowhere: Pgq, filled: list[str]
) -> None:
    shown = nowhere("top", "--once", "--installation", "s*", code=3)
    assert "2 of 3 databases" in shown.stdout and "s3 does not answer" in shown.stdout
    assert {line.split()[0] for line in shown.stdout.splitlines()[4:]} == {"s1", "s2"}
    assert shown.stderr.startswith("Error: s3: ")
    said = json.loads(nowhere("top", "--once", "--json", "--installation", "s*", code=3).stdout)
    assert [(row["database"], row["ready"]) for row in said["rows"]] == [("s1", 3), ("s2", 5)]
    assert said["overview"]["health"] == "fail" and list(said["no_answer"]) == ["s3"]


def test_all_that_are_away_end_it(nowhere: Pgq, dsns: list[str]) -> None:
    away = both([f"host=/nonexistent dbname={name}" for name in ("one", "two")])
    assert nowhere("top", "--once", *away, code=3).stderr.startswith("Error: ")


def test_one_that_does_not_answer_holds_up_none(
    filled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    with package.Client(filled[0]) as one, package.Client(filled[1]) as two:
        looker = LookerAtAll.of({"one": (one, filled[0]), "two": (two, filled[1])}, wait=False)
        assert len(looker.look("queues").rows) == 2
        usual = Looker.look

        def look(self: Looker, screen: str) -> object:
            if self.database == "two":
                held.wait(60)
            return usual(self, screen)

        monkeypatch.setattr(Looker, "look", look)
        monkeypatch.setattr(several, "_AGAIN", 0.3)

        def only_one() -> bool:
            try:
                seen = looker.look("queues")
            except Failure:  # a busy machine: neither has answered
                return False
            assert "two" in seen.no_answer
            return [row["database"] for row in seen.rows] == ["one"]

        eventually(only_one)
        held.set()
        eventually(lambda: len(looker.look("queues").rows) == 2)


def test_a_wish_goes_to_the_database_of_its_row(filled: list[str]) -> None:
    with package.Client(filled[0]) as one, package.Client(filled[1]) as two:
        looker = LookerAtAll.of({"one": (one, ""), "two": (two, "")}, wait=False)
        seen = looker.look("queues")
        view = View(operates=True)
        view.shows(seen)
        chosen = next(row for row in view.rows if row["database"] == "two")
        assert looker.client_of(Wish("pause", "queues", chosen, "").row) is two


def test_rows_of_the_same_name_are_two_rows() -> None:
    rows = [{"database": name, "queue": "mail", "lag": None} for name in ("b", "a")]
    screen = SCREENS[0]
    assert [row["database"] for row in arranged(screen, rows, "lag", True, "")] == ["a", "b"]
    assert columns_of(screen, rows)[0].name == "database"
    assert columns_of(screen, [{"queue": "mail"}]) == screen.columns
    assert arranged(screen, rows, "lag", True, "b") == rows[:1]


def test_a_failure_of_ours_is_not_swallowed(dsns: list[str]) -> None:
    with package.Client(dsns[0]) as one:
        looker = LookerAtAll.of({"one": (one, dsns[0])}, wait=False)
        with pytest.raises(AttributeError):
            looker.look("nothing")
    with package.Client("host=/nonexistent") as gone, pytest.raises(Failure):
        LookerAtAll.of({"gone": (gone, "")}, wait=False).look("queues")
