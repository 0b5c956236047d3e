"""Write the blocking twin of each module of clients that is async: X.py from X_async.py.

    python pgq/client/generate.py [--check]

A twin is its source with blocking names and without `await`. Where that is not enough, comments
`# blocking: TEXT` in the source say what stands in the place of the line that follows them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent

_HEADER: Final = "# Written by generate.py from {source}: change that one.\n"

_CHANGES: Final = (
    (r"((?:^ *# blocking:.*\n)+)^.*\n", lambda found: re.sub("# blocking: ?", "", found[1])),
    (r"\basync (?=def|with|for)", ""),
    (r"\bawait ", ""),
    (r"Coroutine\[Any, Any, (\w+)\]", r"\1"),
    (r"(from collections.abc import .*), Coroutine$", r"\1"),
    (r"\bAsyncGenerator\[(.+), None\]:", r"Generator[\1, None, None]:"),
    (r"from sqlalchemy.ext.asyncio import .*", "from sqlalchemy import Connection\n"
     "    from sqlalchemy.orm import Session"),
    (r"\(connection.get_raw_connection\(\)\)", "connection.connection"),
    (r"asyncio.sleep", "time.sleep"),
    (r"asyncio.Lock", "threading.RLock"),
    (r"^import asyncio\n(?=import time)", ""),
    (r"^import asyncio$", "import threading"),
    (r"is_async=True", "is_async=False"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\b(?!is_)(\w+)_async\b", r"\1"),
    (r"\bASYNC_", ""),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"(?:(?<=\bAbstract)|(?<=\bRun)|\b)Async(?=\b|[A-Z])", ""),
)  # fmt: skip


def blocking(source: Path) -> str:
    """Return the text of the twin of a module."""
    text = source.read_text()
    for pattern, replacement in _CHANGES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = _HEADER.format(source=source.name) + text
    for command in ("check", "--fix", "--quiet"), ("format", "--quiet"):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(twin(source)), "-"]
        text = subprocess.run(ruff, input=text, stdout=-1, text=True, check=False).stdout
    return text


def twin(source: Path) -> Path:
    """Return where the twin of a module stands."""
    return source.with_name(source.name.replace("_async", ""))


def main() -> None:
    """Write the twins, or exit with those that differ from what is there."""
    sources = sorted(HERE.glob("*_async.py"))
    texts = {twin(source): blocking(source) for source in sources}
    if "--check" in sys.argv:
        old = [path.name for path, text in texts.items() if path.read_text() != text]
        sys.exit(f"run make twins: {', '.join(old)}" if old else 0)
    for path, text in texts.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
