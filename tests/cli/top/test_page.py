"""What `pgq top` draws, in every width: a goldens' comparison of text, and rules for any names."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from pgq.cli.top.columns import SCREENS, Row, arranged, name, percent, progress, short, spark
from pgq.cli.top.look import Overview, Seen
from pgq.cli.top.page import plain
from pgq.cli.top.run import drawing, staleness
from pgq.cli.top.view import View

AT = datetime(2030, 1, 31, 8, 0, tzinfo=UTC)
HOSTILE = "\x1b[31mred\x07\u202egnirts\x9b2J\n‮表" + "x" * 300


def overview(**changed: Any) -> Overview:
    usual: dict[str, Any] = {
        "database": "app",
        "version": "0.1.0",
        "health": "warn",
        "problems": ["lag", "failures"],
        "ready": 1234567,
        "estimated": True,
        "scheduled": 12,
        "blocked": 3,
        "running": 7,
        "slots": 20,
        "workers": 2,
        "ended_a_second": 41.7,
        "failed_a_minute": 3,
        "enqueued_a_second": 40.0,
        "lag": timedelta(minutes=3),
        "lag_queue": "mail",
        "statistics_lag": 2.0,
    }
    return Overview(**{**usual, **changed})


def queue(called: str, **changed: Any) -> Row:
    return {
        "queue": called,
        "status": "",
        "ready": 5,
        "scheduled": 1,
        "blocked": 0,
        "running": 3,
        "lag": timedelta(seconds=12),
        "ended": 3600,
        "failed_share": 0.02,
        "run_p95": timedelta(milliseconds=420),
        "wait_p95": timedelta(milliseconds=30),
        "minutes": [0, 1, 4, 8],
        **changed,
    }


def seen(*rows: Row, screen: str = "queues", **changed: Any) -> Seen:
    return Seen(AT, screen, overview(**changed), list(rows))


def drawn(view: View, width: int, height: int = 12, stale: str | None = None) -> list[str]:
    return [line.plain for line in drawing(view, width, height, stale)]


MAIL = queue("mail")
IMAGES = queue("images", status="paused", lag=None, ready=1_040_000)


def test_a_page_of_80_columns() -> None:
    lines = plain(seen(IMAGES, MAIL), 80)
    clock = f"{AT.astimezone():%H:%M:%S}"
    assert lines == [
        f"pgq 0.1.0  app  {clock}  warn lag, failures",
        "ready ≈1,234,567  running 7/20  ended 42/s  failed 3/min  lag 3m (mail)",
        "",
        "queue   status      ready  sched  blocked  run  lag  ended/h  failed  run p95",
        "mail                    5      1        0    3  12s    3,600    2.0%    420ms",
        "images  paused  1,040,000      1        0    3         3,600    2.0%    420ms",
    ]


def test_a_wider_one_shows_more_and_a_narrow_one_less_in_a_fixed_order() -> None:
    titles = {
        width: plain(seen(MAIL), width)[3].split()
        for width in (150, 100, 80, 70, 60, 50, 40, 30, 24)
    }
    assert "20 min" in plain(seen(MAIL), 150)[3] and "▁▄█" in plain(seen(MAIL), 150)[4]
    assert titles[40] == ["queue", "status", "ready", "run", "lag", "failed"]
    assert titles[24] == ["queue", "ready", "run", "lag"]
    widths = sorted(titles)
    for narrow, wide in itertools.pairwise(widths):
        assert set(titles[narrow]) <= set(titles[wide])


@pytest.mark.parametrize("width", [20, 33, 80, 132])
@pytest.mark.parametrize("screen", [each.name for each in SCREENS])
def test_nothing_is_wider_than_the_terminal_whatever_names_are(screen: str, width: int) -> None:
    chosen = next(each for each in SCREENS if each.name == screen)
    row: dict[str, Any] = {
        column.name: HOSTILE if column.least or column.name in {"status", "outcome"} else None
        for column in chosen.columns
    }
    row |= {"id": 17, "attempt": "1/5", "fingerprint": "0123456789abcdef"}
    view = View(screen=chosen, seen=seen(row, row, screen=screen, lag_queue=HOSTILE))
    for mode in ("table", "detail", "help", "filter", "ask"):
        view.mode = mode
        lines = drawn(view, width)
        assert len(lines) == 12
        if mode != "help":
            assert max(map(cell_len, lines)) <= width
        assert not [line for line in lines if not line.isprintable()]


def test_control_and_direction_characters_of_names_are_made_visible() -> None:
    assert name("a\x1b[2Jb\u202ec\nd表") == "a\\x1b[2Jb\\u202ec\\x0ad表"


def test_columns_are_cut_with_dots_by_cells_not_by_characters() -> None:
    lines = plain(seen(queue("表" * 40)), 60)
    cell = lines[4].split()[0]
    assert cell.endswith("…") and cell_len(lines[4]) <= 60


def test_lengths_shares_and_bars_are_short() -> None:
    spans = [0, 0.0071, 0.95, 2.51, 59, 720, 3 * 3600, 9 * 86400]
    assert [short(timedelta(seconds=each)) for each in spans] == [
        *("0s", "7ms", "950ms", "2.5s", "59s", "12m", "3h", "9d")
    ]
    assert [percent(each) for each in (None, 0, 0.004, 0.5, 1)] == ["", "0%", "0.4%", "50%", "100%"]
    assert spark([0, 1, 2, 8]) == " ▁▂█" and spark([]) == "" and spark([0, 0]) == "  "
    assert progress({"done": 3, "of": 4}) == "████████░░  75%"
    assert progress(50) == "█████░░░░░  50%" and progress(0.1).endswith(" 10%")
    assert progress("half\x1b way") == "half\\x1b way" and progress(None) == ""


def test_rows_without_a_value_come_last_both_ways() -> None:
    screen = SCREENS[0]
    for down in (True, False):
        found = arranged(
            screen, [IMAGES, MAIL, queue("z", lag=timedelta(hours=1))], "lag", down, ""
        )
        assert found[-1]["queue"] == "images"
        assert found[0]["queue"] == ("z" if down else "mail")
    assert arranged(screen, [IMAGES, MAIL], "lag", True, "IMA") == [IMAGES]


@pytest.mark.parametrize("screen", SCREENS, ids=[each.name for each in SCREENS])
def test_a_screen_sorts_by_each_of_its_columns(screen: Any) -> None:
    some: dict[str, Any] = {
        "timing": "x",
        "minutes": [1],
        "progress": {"a": 1},
        "lag": timedelta(1),
    }
    rows = [{column.name: some.get(column.name, AT) for column in screen.columns}] * 2
    for column in screen.columns:
        assert len(arranged(screen, rows, column.name, True, "")) == 2


def test_an_empty_screen_says_so() -> None:
    assert plain(seen(), 80)[-1] == "no queues in use"
    assert "no row with 'x'" in drawn(View(seen=seen(MAIL), wanted="xx"), 80)[3].replace("xx", "x")


def test_lost_connections_are_said_with_how_old_the_page_is() -> None:
    assert staleness(1, 2, None) is None
    assert staleness(12, 2, None) == "stale 12 s, trying again"
    words = staleness(12.4, 2, OSError("connection refused\nIs the server running?"))
    assert words == "stale 12 s, trying again: connection refused"
    assert drawn(View(seen=seen(MAIL)), 80, stale=words)[0] == words
    assert drawn(View(), 80, stale=words) == [words]


def test_no_color_leaves_the_text_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawing(View(seen=seen(IMAGES, MAIL)), 80, 12)
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(force_terminal=True, width=80)
    with console.capture() as captured:
        for line in lines:
            console.print(line)
    assert "\x1b[3" not in captured.get() and "mail" in captured.get()


def test_the_cursor_stays_in_sight_on_a_long_list() -> None:
    view = View(seen=seen(*(queue(f"q{place:03}", lag=None) for place in range(100))))
    view.press("end")
    lines = drawn(view, 80, 12)
    assert lines[-2].startswith("q099") and lines[4].startswith("q093") and len(lines) == 12
    view.press("home")
    assert drawn(view, 80, 12)[4].startswith("q000")
