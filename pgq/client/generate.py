"""Write what follows from other files: the clients' methods, the blocking twins, and the lease.

    python pgq/client/generate.py [--check]

methods_async.py has a method for each function of pgq.calls that returns a Call. Each X_async.py
has a blocking twin X.py.
A twin is its source with blocking names and without `await`. Where that is not enough, comments
`# blocking: TEXT` in the source say what stands in the place of the line that follows them.

The default of a worker's lease stands in register_worker.sql; durations.py has it from there.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CALLS: Final = HERE.parent / "calls"
METHODS: Final = HERE / "methods_async.py"
DURATIONS: Final = HERE.parent / "lib" / "durations.py"
LEASE: Final = HERE.parents[1] / "sql" / "workers" / "register_worker.sql"
# What those modules are made with.
_TOOLS: Final = {"call", "publishing"}

_METHODS: Final = '''\
# Written by generate.py from the modules of pgq.calls: add a function there.
"""Every SQL function and every lookup as a method of clients."""

from __future__ import annotations

{imports}
from pgq.client.sending_async import sending_async


class AsyncMethods:
    """The methods of AsyncClient that send one call."""

{methods}
'''

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


def methods() -> str:
    """Return the text of the module of methods."""
    found = {path.stem: _calls_of(path) for path in sorted(CALLS.glob("*.py"))}
    modules = {name: names for name, names in found.items() if names and name not in _TOOLS}
    return _METHODS.format(
        imports="\n".join(f"from pgq.calls import {name} as {name}_calls" for name in modules),
        methods="\n\n".join(
            "\n".join(f"    {name} = sending_async({module}_calls.{name})" for name in names)
            for module, names in modules.items()
        ),
    )


def _calls_of(path: Path) -> list[str]:
    """Return the public functions of a module that are written to return a Call, each once."""
    names = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and node.returns is not None
        and ast.unparse(node.returns).startswith("Call[")
    ]
    return [*dict.fromkeys(names)]


def blocking(source: Path, text: str) -> str:
    """Return the text of the twin of a module."""
    for pattern, replacement in _CHANGES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = (
        _HEADER.format(source=source.name) + text.removeprefix(_METHODS.partition("\n")[0]).lstrip()
    )
    for command in ("check", "--fix", "--quiet"), ("format", "--quiet"):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(twin(source)), "-"]
        text = subprocess.run(ruff, input=text, stdout=-1, text=True, check=False).stdout
    return text


def twin(source: Path) -> Path:
    """Return where the twin of a module stands."""
    return source.with_name(source.name.replace("_async", ""))


def durations() -> str:
    """Return the text of the module that has the default of the lease."""
    (seconds,) = re.findall(
        r"c_default_lease constant interval := '(\d+) seconds'", LEASE.read_text()
    )
    line = f"DEFAULT_LEASE: Final = {float(seconds)}\n"
    return re.sub(r"^DEFAULT_LEASE: .*\n", line, DURATIONS.read_text(), flags=re.MULTILINE)


def main() -> None:
    """Write the modules, or exit with those that differ from what is there."""
    sources = {path: path.read_text() for path in HERE.glob("*_async.py")} | {METHODS: methods()}
    texts = {twin(path): blocking(path, text) for path, text in sorted(sources.items())}
    texts |= {METHODS: sources[METHODS], DURATIONS: durations()}
    if "--check" in sys.argv:
        old = [path.name for path, text in texts.items() if _written(path) != text]
        sys.exit(f"run make twins: {', '.join(old)}" if old else 0)
    for path, text in texts.items():
        path.write_text(text)


def _written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()
