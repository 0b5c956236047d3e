from __future__ import annotations

from collections.abc import Iterator

import pytest

import pgq


@pytest.fixture
def client(dsn: str) -> Iterator[pgq.Client]:
    with pgq.Client(dsn) as made:
        yield made


@pytest.fixture
def registry() -> pgq.Registry:
    return pgq.Registry()
