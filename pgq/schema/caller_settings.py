"""SQL around an install script, after which its caller's transaction has the settings that it had.

SQL has no variables, and what `set local` changed would last for the rest of the transaction. So
the values are kept under names of our own meanwhile, which nobody reads.
"""

from __future__ import annotations

from typing import Final

_SETTINGS: Final = ("search_path", "lock_timeout", "statement_timeout")


def _block(pairs: list[tuple[str, str]]) -> str:
    lines = (
        f"  perform pg_catalog.set_config('{to}', pg_catalog.current_setting('{source}'), true);"
        for to, source in pairs
    )
    return "\n".join(("do $$ begin", *lines, "end $$;", ""))


KEEP_SETTINGS: Final = _block([(f"pgq_install.{name}", name) for name in _SETTINGS])
RESTORE_SETTINGS: Final = _block([(name, f"pgq_install.{name}") for name in _SETTINGS])
