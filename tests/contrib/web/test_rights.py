"""Every page at every level of access: what one may not see is neither there nor linked to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pgq
from pgq.contrib.web.access import ALL, RIGHTS, Access, rights
from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.page import Page
from pgq.contrib.web.pages import found
from tests.contrib.web.conftest import Browser
from tests.contrib.web.test_pages import VISITS

READ = [page for page in found() if "GET" in page.methods]
OURS, THEIRS = "ours-and-no-other", "theirs-and-no-other"
LEVELS = {
    "nobody": None,
    "without view": Access("eve", frozenset()),
    "reads": Access("ann"),
    **{f"one right: {right}": Access("ann", rights([right])) for right in RIGHTS},
    "all": Access("ann", ALL),
    "all of one queue": Access("ann", ALL, (OURS,)),
    "all of no queue": Access("ann", ALL, ()),
}
