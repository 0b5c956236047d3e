"""What the signature of a binding says about the call that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import pgq
from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.rows import Outcome, Promotion
from pgq.values import Backoff, Duration


@sql_function
def change(
    ids: Iterable[int] | int,
    most: int | None,
    note: Any,
    word: str | None = None,
    wait: Duration | None = None,
    backoff: Backoff | None = None,
    headers: Mapping[str, Any] | None = None,
    results: Iterable[Any] | None = None,
) -> Call[list[Outcome]]:  # type: ignore[empty-body]
    """Change nothing."""


@sql_function
def find(word: str) -> Call[Promotion | None]:  # type: ignore[empty-body]
    """Find nothing."""


def test_arguments_are_sent_by_their_types() -> None:
    call = change(7, 3, {"a": 1}, "w", 1.5, ["1 s"], {"h": 2}, [None, {"r": 3}])
    assert call.template == (
        "select job_id, outcome from {schema}.change(ids => %(ids)s::bigint[],"
        " most => %(most)s::bigint, note => %(note)s::text, word => %(word)s::text,"
        " wait => %(wait)s::interval, backoff => %(backoff)s::text,"
        " headers => %(headers)s::text, results => %(results)s::text[]) as answer"
    )
    assert call.parameters == {
        "ids": "{7}",
        "most": 3,
        "note": '{"a":1}',
        "word": "w",
        "wait": "1500000 microseconds",
        "backoff": '["1 s"]',
        "headers": '{"h":2}',
        "results": [None, '{"r":3}'],
    }
    assert call.read([(7, "ok")]) == [Outcome(7, "ok")]


def test_none_is_sent_only_where_there_is_no_default() -> None:
    assert change([], None, None).parameters == {"ids": "{}", "most": None, "note": "null"}


def test_a_field_may_be_read_from_an_expression() -> None:
    call = find("x")
    assert "extract(epoch from next_due_at - clock_timestamp())::text" in call.template
    assert call.read([]) is None
    found = call.read([(1, None, "2")])
    assert found is not None and found.due_in is not None and found.due_in.total_seconds() == 2


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeError, match=r"find.* missing 1 required .* 'word'"):
        find()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'words'"):
        find(words="x")  # type: ignore[call-arg]
    with pytest.raises(pgq.InvalidArgument, match="word is None"):
        find(None)  # type: ignore[arg-type]
    with pytest.raises(pgq.InvalidArgument, match="word is 5"):
        find(5)  # type: ignore[arg-type]
