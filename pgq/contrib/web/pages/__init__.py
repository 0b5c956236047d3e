"""The pages, one module each; every module here with PAGES is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from pgq.contrib.web.page import Page


def found() -> tuple[Page, ...]:
    """Return the pages of all modules of this folder."""
    return tuple(_each())


def _each() -> Iterator[Page]:
    for module in pkgutil.iter_modules(__path__):
        yield from getattr(importlib.import_module(f"{__name__}.{module.name}"), "PAGES", ())
