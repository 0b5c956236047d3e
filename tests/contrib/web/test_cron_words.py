"""Cron expressions in words: what is right, and what is left out because it would not be."""

from __future__ import annotations

import sys

import pytest

from pgq.contrib.web.cron_words import cron_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 2 * * mon-fri", "at 02:30, Monday through Friday"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 9 * * MON#1", "at 09:00, on the first Monday of the month"),
        ("0 8 L * *", "at 08:00, on the last day of the month"),
        ("0 22 * * friL", "at 22:00, on the last Friday of the month"),
        ("0 0 13 * fri", "at 00:00, on day 13 of the month, or on Friday"),
        ("@daily", "at 00:00"),
        ("0 0 * * 7", "at 00:00, only on Sunday"),
    ],
)
def test_words(expression: str, words: str) -> None:
    assert cron_words(expression) == words


@pytest.mark.parametrize(
    "expression",
    [
        "*/45 * * * *",  # at 0 and at 45 of each hour
        "0 */5 * * *",
        "0 0 */2 * *",  # begins again with each month
        "0 0 */2 * mon",  # both must fit
        "0 0 * * */2",
        "0 0 1,L * *",
        "every 5m",
        "",
        "0 0 * *",
        "<script> 0 * * *",
        "9" * 5000,
        "*/0 * * * *",
    ],
)
def test_no_words(expression: str) -> None:
    assert cron_words(expression) is None


def test_no_words_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    cron_words.cache_clear()
    monkeypatch.setitem(sys.modules, "cron_descriptor", None)
    assert cron_words("1 2 3 4 *") is None
    cron_words.cache_clear()
