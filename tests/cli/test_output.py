"""How answers are written, for people, terminals and programs."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from pgq.cli import output
from pgq.cli.options import duration
from tests.cli.conftest import CHECKOUT, Pgq
from tests.sql.calls import claim_one, enqueue, fail, register, rows, scalar

SHOW_TABLE = """
from pgq.cli import output
output.write_table(("state", "[b]n[/b]"), [("failed", 1), ("[red]x", 20)], "none")
"""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.96, "10.0s"),
        (10, "10s"),
        (59.6, "1m"),
        (192, "3m 12s"),
        (3600, "1h"),
        (3659, "1h"),
        (100_000, "1d 3h"),
        (-90, "-1m 30s"),
    ],
)
def test_spans_have_two_units(seconds: float, text: str) -> None:
    assert output.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1d 2h", 93_600),
        ("2w", 1_209_600),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


def test_text_of_jobs_cannot_steer_a_terminal() -> None:
    assert output.as_text("a\x1b]0;b\x07\nc\u009b") == "a\\x1b]0;b\\x07 c\\x9b"
    assert output.as_text({"a": "\x7f"}) == '{"a": "\\x7f"}'
    assert output.as_text("a\nb", lines=True) == "a\nb"


def test_plain_tables_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_table(("id", "name"), [(1, "lion"), (20, None), (300, "x y")], "none")
    assert capsys.readouterr().out == " id  name\n  1  lion\n 20\n300  x y\n"
    output.write_table(("id",), [], "none")
    assert capsys.readouterr().out == "none\n"


def test_json_has_utc_times_and_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2030, 1, 31, 8, tzinfo=UTC)
    output.write_json({"at": at, "lag": timedelta(minutes=1), "name": "ä"})
    text = capsys.readouterr().out
    assert '"2030-01-31T08:00:00+00:00"' in text and "60.0" in text and "ä" in text


def on_a_terminal(*command: str, **environment: str) -> str:
    """Run Python on a pseudo-terminal and return what it showed there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(CHECKOUT), **environment},
    ):
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so when the other side is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    return shown.decode()


@pytest.mark.slow
def test_a_terminal_gets_colours() -> None:
    pytest.importorskip("rich")
    shown = on_a_terminal("-c", SHOW_TABLE)
    assert "\x1b[31mfailed" in shown
    assert "[b]n[/b]" in shown and "[red]x" in shown


@pytest.mark.slow
def test_no_color_is_respected() -> None:
    assert "\x1b[3" not in on_a_terminal("-c", SHOW_TABLE, NO_COLOR="1")


# A name as long as those of real modules, which differ at the end.
NAMES = [
    f"{'company_platform.billing.invoices.background_tasks.send_':x<57}{n}" for n in ("one", "two")
]
TABLES = {
    "jobs": ("jobs",),
    "failed jobs": ("jobs", "--state", "failed"),
    "stats": ("stats",),
    "bulk list": ("bulk", "list"),
    "batch list": ("batch", "list"),
    "semaphores": ("semaphores",),
    "audit": ("audit",),
    "schedule list": ("schedule", "list"),
}
WITHOUT_RICH = """
import runpy, sys
sys.modules["rich"] = None
sys.argv = ["pgq", *{!r}]
runpy.run_module("pgq", run_name="__main__")
"""


@pytest.fixture
def long_names(conn: psycopg.Connection) -> None:
    """Long names in everything that the tables show, and as long a state as there is."""
    for name in NAMES:
        enqueue(conn, name, queue=name, max_attempts=1)
        register(conn, name=name, queues=[name])
        fail(conn, claim_one(conn, queues=[name]), error_types=[name], messages=[name])
        enqueue(conn, name, queue=name, concurrency_key=name, concurrency_limit=1)
        scalar(conn, "select pgq.create_batch(description => %s)", name)
        scalar(conn, "select pgq.configure_semaphore(%s, 3)", name)
        scalar(conn, "select set_config('pgq.actor', %s, false)", name)
        rows(conn, "bulk_start", action="reprioritise", queue=name, states=["ready"], priority=3)
        scalar(
            conn, "select pgq.schedule(%s, %s, every => '1 day 2 hours', queue => %s)", *[name] * 3
        )
        scalar(conn, "select pgq.pause_queue(%s)", name)
    conn.execute("select pgq.promote_due()")


@pytest.mark.slow
@pytest.mark.usefixtures("long_names")
@pytest.mark.parametrize("with_rich", [True, False], ids=["rich", "plain"])
@pytest.mark.parametrize("table", TABLES)
def test_tables_fit_a_terminal_of_80_columns(
    dsn: str, pgq: Pgq, table: str, with_rich: bool
) -> None:
    command = TABLES[table]
    if with_rich:
        pytest.importorskip("rich")
    program = ("-m", "pgq") if with_rich else ("-c", WITHOUT_RICH.format([*command]))
    shown = on_a_terminal(
        *program, *command * with_rich, PGQ_DSN=dsn, COLUMNS="80", NO_COLOR="1", TZ="UTC"
    )
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 80, shown
    # No row takes two lines: what is shortened still shows how it begins and how it ends.
    cut = [line for line in lines if re.search(r"\w\.{3,4}\w", line)]
    whole = pgq(*command).stdout.splitlines()
    assert len(cut) == sum(any(name in line for name in NAMES) for line in whole) > 1, shown
    assert sum(line.count("...") for line in whole) == 0


def test_a_table_is_shortened_where_it_is_widest() -> None:
    heads, cells = output.fit(
        [["id"], ["name"], ["task"]],
        [["1", "abc" * 20 + "one", "short"], ["100000000000", "abc" * 20 + "two", "a-bit-longer"]],
        [True, False, False],
        48,
    )
    assert heads == [["id"], ["name"], ["task"]]
    assert cells == [
        ["1", "abcabcabc...bcabcone", "short"],
        ["100000000000", "abcabcabc...bcabctwo", "a-bit-longer"],
    ]


def test_titles_are_folded_if_shorter_texts_are_not_enough() -> None:
    heads, cells = output.fit(
        [["queue"], ["not succeeded"], ["failed_today"]],
        [["mail", "1", "2"]],
        [False, True, True],
        25,
    )
    assert heads == [["queue"], ["not ", "succeeded"], ["failed_", "today"]]
    assert cells == [["mail", "1", "2"]]


def test_what_fits_is_left_as_it_is_and_wide_letters_count_twice() -> None:
    assert output.shorten("abc", 3) == "abc"
    assert output.shorten("abcdefghijkl", 9) == "abc...jkl"
    assert output.shorten("\u65e5\u672c" * 6, 11) == "\u65e5\u672c...\u65e5\u672c"
    rows_ = [["\u65e5\u672c\u8a9e", "1"]]
    assert output.fit([["name"], ["n"]], rows_, [False, True], 9) == ([["name"], ["n"]], rows_)


def test_a_terminal_without_rich_gets_plain_text() -> None:
    shown = on_a_terminal("-c", "import sys; sys.modules['rich'] = None\n" + SHOW_TABLE)
    assert shown == "state   [b]n[/b]\r\nfailed         1\r\n[red]x        20\r\n"


@pytest.mark.slow
def test_questions_are_asked_on_a_terminal(pgq: Pgq) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    ours, theirs = pty.openpty()
    with pgq.start("discard", job_id, stdin=theirs) as process:
        os.close(theirs)
        os.write(ours, b"y\n")
        out, err = process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 0
    assert "discarded" in out and "Delete 1 job for good?" in err


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\x1b[31m\x9b1m\x00", "a\\x1b[31m\\x9b1m\\x00"),
        # An override of the direction shows a name as another one.
        ("gpj\u202eexe.", "gpj\\u202eexe."),
        ("\u2066a\u2069 \u200f\u061c \u2028b", "\\u2066a\\u2069 \\u200f\\u061c \\u2028b"),
        (
            "b\u00fccher \u05e9\u05dc\u05d5\u05dd \U0001f642",
            "b\u00fccher \u05e9\u05dc\u05d5\u05dd \U0001f642",
        ),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_characters_that_steer_a_terminal_are_made_visible(given: str, shown: str) -> None:
    assert output.clean(given) == shown
