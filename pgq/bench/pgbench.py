"""pgbench as a producer: many sessions, and almost no work in the client."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from pgq.bench.figures import BenchFailed
from pgq.bench.place import Place


def find_pgbench(bindir: Path | None) -> str | None:
    """Return pgbench, the server's own if there is one."""
    own = None if bindir is None else bindir / "pgbench"
    return str(own) if own is not None and own.exists() else shutil.which("pgbench")


class Pgbench:
    """Runs scripts in sessions, each of which has prepared its statements."""

    def __init__(self, program: str, place: Place, settings: str = "") -> None:
        """`settings` are for its sessions, as PGOPTIONS takes them."""
        self._program = program
        self._place = place
        self._settings = settings

    def for_seconds(self, script: str, clients: int, seconds: int) -> tuple[int, float]:
        """Return how many transactions were done, and how many per second."""
        return self._run(script, clients, ["--time", str(seconds)])

    def times(self, script: str, clients: int, times: int) -> float:
        """Let all sessions together do so many transactions; return how many per second."""
        done, rate = self._run(script, clients, ["--transactions", str(times // clients)])
        if done != times:
            raise BenchFailed(f"pgbench has done {done} of {times} transactions")
        return rate

    def _run(self, script: str, clients: int, limit: Sequence[str]) -> tuple[int, float]:
        path = self._place.folder / "script.sql"
        path.write_text(script)
        command = [self._program, "--no-vacuum", "--protocol", "prepared", "--file", str(path)]
        command += ["--client", str(clients), "--jobs", str(min(clients, 2)), "--define", "n=0"]
        done = subprocess.run(
            [*command, *limit],
            env=_libpq(self._place.dsn, self._settings),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise BenchFailed("pgbench failed", detail=done.stderr)
        found = dict(line.split(maxsplit=1) for line in _facts(done.stdout))
        return int(found["processed:"].split("/")[0]), float(found["tps"].split()[1])


def _facts(output: str) -> list[str]:
    """Return the lines of pgbench that begin with `processed:` and `tps`."""
    prefix = "number of transactions actually "
    lines = [line.removeprefix(prefix) for line in output.splitlines()]
    return [line for line in lines if line.startswith(("processed:", "tps"))]


def _libpq(dsn: str, settings: str) -> dict[str, str]:
    """Return an environment that names the database: an argument could be read by everybody."""
    known = {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
        "passfile": "PGPASSFILE",
        "service": "PGSERVICE",
    }
    given = conninfo_to_dict(dsn)
    env = {known[name]: str(value) for name, value in given.items() if name in known and value}
    options = [str(given["options"])] if given.get("options") else []
    if settings:
        options.append(settings)
    return {**os.environ, **env, **({"PGOPTIONS": " ".join(options)} if options else {})}
