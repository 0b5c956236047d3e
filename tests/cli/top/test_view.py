"""What keys do in `pgq top`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pgq.cli.top.columns import SCREENS
from pgq.cli.top.keys import decoded
from pgq.cli.top.view import NOTHING, View
from tests.cli.top.test_page import IMAGES, MAIL, queue, seen


def view(**changed: Any) -> View:
    return View(seen=seen(IMAGES, MAIL, queue("z", lag=timedelta(hours=1))), **changed)


def queues(shown: View) -> list[str]:
    return [row["queue"] for row in shown.rows]


def press(shown: View, *keys: str) -> View:
    for key in keys:
        shown.press(key)
    return shown


def test_what_a_terminal_sends_becomes_keys() -> None:
    typed = "q\x1b[A\x1bOB\x1b[5~\x1b[1;5Cj\r\x7f\x1b[Zé\x00\x1b"
    assert list(decoded(typed)) == [
        *("q", "up", "down", "page up", "j", "enter", "backspace", "back tab", "é", "escape")
    ]


def test_numbers_and_tabs_turn_to_screens_and_look_at_once() -> None:
    shown = view()
    for number, screen in enumerate(SCREENS, 1):
        assert shown.press(str(number)).looks and shown.screen is screen
    assert press(shown, "tab").screen is SCREENS[0]
    assert press(shown, "left").screen is SCREENS[-1]
    assert shown.rows == [], "what was seen is of another screen"
    assert shown.press("9") == NOTHING and shown.press("q").quits


def test_the_cursor_stays_with_its_row_when_the_order_changes() -> None:
    shown = view()
    assert queues(shown) == ["z", "mail", "images"]
    press(shown, "down")
    assert (shown.row() or {})["queue"] == "mail"
    press(shown, "S")
    assert queues(shown) == ["mail", "z", "images"] and shown.cursor() == 0
    shown.shows(seen(IMAGES))
    assert (shown.row() or {})["queue"] == "images", "its row is gone: the one in its place"
    press(shown, "k", "k", "j", "j", "page down", "home")
    assert shown.cursor() == 0


def test_sorting_goes_through_all_columns_texts_from_a_on() -> None:
    shown = view()
    orders = [press(shown, "s").order for _ in SCREENS[0].columns]
    assert [order[0] for order in orders].count("queue") == 1
    assert dict(orders)["queue"] is False and dict(orders)["ready"] is True
    assert press(shown, "2", "1").order == ("lag", True), "each screen keeps its own"


def test_a_filter_is_typed_and_cleared() -> None:
    shown = press(view(), "/", "m", "a", "x", "backspace", "q", "backspace")
    assert shown.wanted == "ma" and queues(shown) == ["mail", "images"]
    assert queues(press(shown, "i")) == ["mail"]
    assert press(shown, "enter").mode == "table" and queues(shown) == ["mail"]
    assert len(queues(press(shown, "escape"))) == 3
    assert press(shown, "/", "x", "escape").wanted == ""


def test_a_frozen_view_keeps_what_it_shows() -> None:
    shown = press(view(), " ")
    shown.shows(seen(MAIL))
    assert len(queues(shown)) == 3
    assert shown.press(" ").looks
    shown.shows(seen(MAIL))
    assert queues(shown) == ["mail"]
    press(shown, " ", "2")
    shown.shows(seen({"id": 1, "queue": "mail"}, screen="running"))
    assert len(shown.rows) == 1, "another screen is empty otherwise"


def test_the_interval_goes_by_steps_within_bounds() -> None:
    shown = view()
    assert press(shown, "+").interval == 1.0 and press(shown, "-", "-").interval == 5.0
    assert press(shown, *"-" * 20).interval == 60 and press(shown, *"+" * 20).interval == 0.5


def test_help_and_details_close_by_any_key_and_q_ends() -> None:
    shown = press(view(), "?")
    assert shown.mode == "help" and press(shown, "x").mode == "table"
    assert press(shown, "enter").mode == "detail"
    assert shown.press("escape") == NOTHING and shown.mode == "table"
    assert press(shown, "?").press("q").quits


def test_nothing_can_be_changed_unless_it_was_started_so() -> None:
    shown = view()
    for key in "pRC":
        assert shown.press(key) == NOTHING and "--operate" in shown.message


def test_a_change_is_asked_for_and_done_only_after_a_yes() -> None:
    shown = press(view(operates=True), "down", "down")
    wish = shown.press("p").plans
    assert wish is not None and wish.words == "resume the queue images"
    assert (shown.press("C").plans, shown.message) == (None, "nothing to cancel here")
    for key in ("n", "escape", "enter", "Q"):
        shown.ask(wish, "Resume?")
        assert shown.mode == "ask" and shown.press(key) == NOTHING
        assert shown.message == "nothing was changed" and shown.mode == "table"
    shown.ask(wish, "Resume?")
    assert shown.press("y").does is wish
    assert shown.press("y") == NOTHING


def test_a_change_needs_a_row() -> None:
    assert View(operates=True, seen=seen()).press("p") == NOTHING
