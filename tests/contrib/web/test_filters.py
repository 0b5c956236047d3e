from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgq.calls.search import find_jobs, list_jobs
from pgq.contrib.web.filter_text import as_text, of_text
from pgq.contrib.web.filters import STATES, Filters, When, of_pairs, text_of, value_of

NOW = datetime(2030, 1, 2, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
DOCUMENTS = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=4
    ),
    max_size=3,
)
TIMES = st.integers(0, 10**9).map(lambda ms: When(ago=timedelta(milliseconds=ms))) | st.datetimes(
    timezones=st.just(UTC)
).map(lambda at: When(at=at))
IDS = st.integers(-(2**63) + 1, 2**63 - 1)
FILTERS = st.builds(
    Filters,
    states=st.sets(st.sampled_from(STATES)).map(
        lambda some: tuple(state for state in STATES if state in some)
    ),
    queue=st.none() | TEXT,
    task=st.none() | TEXT,
    unique_key=st.none() | TEXT,
    concurrency_key=st.none() | TEXT,
    partition_key=st.none() | TEXT,
    batch_id=st.none() | IDS,
    worker_id=st.none() | IDS,
    error_type=st.none() | TEXT,
    fingerprint=st.none() | TEXT,
    headers=st.none() | DOCUMENTS,
    args=st.none() | DOCUMENTS | st.lists(SCALARS),
    created_after=st.none() | TIMES,
    created_before=st.none() | TIMES,
    finished_after=st.none() | TIMES,
    finished_before=st.none() | TIMES,
    oldest=st.booleans(),
    size=st.integers(1, 250),
    before_id=st.none() | IDS,
    after_id=st.none() | IDS,
)


def read(query: str) -> Filters:
    filters, problems = of_pairs(parse_qsl(query, keep_blank_values=True))
    assert problems == []
    return filters


def complaints(query: str) -> list[str]:
    return [problem.name for problem in of_pairs(parse_qsl(query))[1]]


@given(FILTERS)
def test_an_address_says_it_all(filters: Filters) -> None:
    assert read(filters.query()) == filters


@given(FILTERS)
def test_a_line_of_text_says_it_all_but_the_place(filters: Filters) -> None:
    found, problems = of_text(as_text(filters))
    if len(as_text(filters)) <= 8000:
        assert problems == []
        assert found == filters._replace(before_id=None, after_id=None)


@given(SCALARS | st.lists(SCALARS))
def test_a_value_says_whether_it_is_text(value: Any) -> None:
    read_again = value_of(text_of(value))
    assert read_again == value and type(read_again) is type(value)


def test_the_address_of_a_list() -> None:
    filters = read("state=failed&queue=mail&error=0a1b&since=24h&args.user_id=7&order=old&size=25")
    assert filters.of_list(NOW) == {
        "states": ["failed"],
        "queue": "mail",
        "fingerprint": "0a1b",
        "finished_after": NOW - timedelta(hours=24),
        "args": {"user_id": 7},
        "newest_first": False,
        "page_size": 25,
    }
    line = "state:failed queue:mail error:0a1b since:1d args.user_id:7 order:old size:25"
    assert as_text(filters) == line
    assert of_text(line) == (filters, [])


def test_names_of_the_arguments_are_read_too() -> None:
    assert read("concurrency_key=c&batch_id=7&finished_after=1h") == Filters(
        concurrency_key="c", batch_id=7, finished_after=When(timedelta(hours=1))
    )


def test_since_means_the_end_where_all_have_ended() -> None:
    assert read("state=failed,expired&since=1h").finished_after == When(timedelta(hours=1))
    assert read("state=failed,ready&since=1h").created_after == When(timedelta(hours=1))
    assert read("until=2030-01-01T10:00").created_before == When(
        at=datetime(2030, 1, 1, 10, tzinfo=UTC)
    )
    filters = read("state=failed&enqueued_since=2h&since=1h")
    assert filters.query() == "state=failed&enqueued_since=2h&since=1h"


@pytest.mark.parametrize(
    ("query", "args"),
    [
        ("args.a.b=1&args.a.c=x", {"a": {"b": 1, "c": "x"}}),
        (r"args.a\.b=1", {"a.b": 1}),
        ('args.n="7"', {"n": "7"}),
        ("args.n=12345678901234567890123", {"n": 12345678901234567890123}),
        ("args.n=1e999", {"n": "1e999"}),
        ("args.n=NaN", {"n": "NaN"}),
        ("args.n=007", {"n": "007"}),
        ("args.n=null", {"n": None}),
        ("args=[1,2]", [1, 2]),
        ('args={"a":1}&args.b=2', {"a": 1, "b": 2}),
        ("args.a=[1,{}]", {"a": [1, {}]}),
    ],
)
def test_paths_into_the_arguments(query: str, args: Any) -> None:
    assert read(query).args == args


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("qeue=mail", "qeue"),
        ("state=broken", "state"),
        ("queue=a&queue=b", "queue"),
        ("batch=x", "batch"),
        ("batch=99999999999999999999", "batch"),
        ("since=yesterday", "since"),
        ("since=9999999999999d", "since"),
        ("until=0001-01-01T00:00%2B10:00", "until"),
        ("size=0", "size"),
        ("size=251", "size"),
        ("size=%D9%A3", "size"),
        ("order=random", "order"),
        ("args=x", "args"),
        ("args=null", "args"),
        ("headers=[1]", "headers"),
        ("args.a=1&args.a=2", "args.a"),
        ("args.a=1&args.a.b=2", "args.a.b"),
        ("queue=%00", "queue"),
        ("args.a%00=1", "args.a\0"),
        ("q.x=1", "q.x"),
    ],
)
def test_what_cannot_be_read_is_said(query: str, name: str) -> None:
    assert complaints(query) == [name]


@pytest.mark.parametrize("query", ["", "queue=", "q=state:failed", "args.a=", "args=" + "[" * 5000])
def test_forms_send_empty_fields(query: str) -> None:
    assert complaints(query) in ([], ["args"])


def test_words_of_the_text_box() -> None:
    assert of_text('failed queue:"my mail"  task:a:b')[0] == Filters(
        states=("failed",), queue="my mail", task="a:b"
    )
    filters, problems = of_text('send 4711 "x" queue:')
    assert filters == Filters() and [problem.name for problem in problems] == [
        "send", "4711", '"x"', "queue:",
    ]  # fmt: skip
    assert of_text("x" * 9000)[1][0].what.startswith("it is longer")
    assert of_text('queue:"a')[1]


def test_the_arguments_are_those_of_the_functions() -> None:
    every = Filters(**{
        name: When(timedelta(0)) if name.endswith(("_after", "_before")) else ("ready",)
        if name == "states" else "x"
        for name in inspect.signature(find_jobs).parameters
        if name not in ("after_id", "max_jobs")
    })  # fmt: skip
    assert {*every.of_search(NOW)} == {*inspect.signature(find_jobs).parameters} - {
        "after_id",
        "max_jobs",
    }
    place = every._replace(oldest=True, before_id=1, after_id=2)
    assert {*place.of_list(NOW)} == {*inspect.signature(list_jobs).parameters} - {
        "max_looked_at",
        "details",
    }


def test_bulk_says_what_it_does_not_know() -> None:
    filters = Filters(states=("failed",), queue="q", args={"a": 1}, worker_id=7)
    assert {*filters.of_bulk(NOW), *filters.not_of_bulk} == {"states", "queue", "args", "worker_id"}
    assert "queue" in filters.of_bulk(NOW) and Filters().is_empty and not filters.is_empty
