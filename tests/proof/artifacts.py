"""Build what a release uploads, and try it as a user would: python -m tests.proof.artifacts.

It builds the source archive, and the wheel from it, twice: both must be the same to the byte, fit
their limits, and satisfy `twine check`. The wheel is then installed in empty environments, with
each extra on each Python that is found, and once with the oldest versions that pyproject.toml
allows. There it installs the schema in a database and runs a job; the extras answer a page. It
needs the packages of the extra `release`, and downloads what users download. Exits 1 if anything
failed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.servers import Databases, find_targets, start

ROOT: Final = Path(__file__).parents[2]
LIMITS: Final = {".gz": 2_000_000, ".whl": 1_500_000}  # bytes
# 2025-01-01: archives carry this time, not that of the build.
EPOCH: Final = "1735689600"
EXTRAS: Final = ("", "binary", "server", "web", "metrics", "django", "all")
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
HANDLERS: Final = "import pgq\n\n\n@pgq.task\ndef add(a: int, b: int) -> int:\n    return a + b\n"
ASK: Final = """
import os
from werkzeug.test import Client
{what}
here = {{"REMOTE_ADDR": "127.0.0.1", "HTTP_AUTHORIZATION": "Bearer t"}}
answer = Client(site.wsgi).get("{path}", base_url="http://localhost", environ_base=here)
assert answer.status_code == 200, answer.data
"""
PAGE: Final = ASK.format(
    what="from pgq.contrib.web import Dashboard; site = Dashboard(os.environ['PGQ_DSN'])", path="/"
)
SCRAPE: Final = ASK.format(
    what="from pgq.contrib.metrics import Metrics\n"
    "site = Metrics(os.environ['PGQ_DSN'], token='t')",
    path="/metrics",
)
DJANGO: Final = """
import django
from django.conf import settings
from django.core.management import call_command
from psycopg.conninfo import conninfo_to_dict
import os
said = conninfo_to_dict(os.environ["PGQ_DSN"])
place = {"ENGINE": "django.db.backends.postgresql", "NAME": said["dbname"], "USER": said["user"],
         "HOST": said["host"], "PORT": said["port"]}
settings.configure(INSTALLED_APPS=["pgq.contrib.django"], DATABASES={"default": place})
django.setup()
call_command("check")
"""


def build(folder: Path) -> dict[str, str]:
    """Build both archives from a copy of what is committed; map their names to their hashes."""
    source = folder / "source"
    source.mkdir(parents=True)
    tree = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x"], input=tree, cwd=source, check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder / "dist", source],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        check=True,
        capture_output=True,
    )
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "dist").iterdir())
    }


def interpreters() -> Iterator[str]:
    """Yield a program for each Python from 3.11 on that is found, also in ~/.pyenv."""
    for version in PYTHONS:
        places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
        for program in (shutil.which(f"python{version}"), *map(str, places)):
            if (
                program
                and not subprocess.run(
                    [program, "-c", ""], check=False, capture_output=True
                ).returncode
            ):
                yield program
                break


class Environment:
    """An empty environment with the wheel, one extra of it, and a database."""

    def __init__(self, folder: Path, interpreter: str, dsn: str) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PGQ_DSN": dsn,
        }
        self.run(interpreter, "-m", "venv", "--without-pip", folder / "venv")

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode:
            raise AssertionError((done.stdout + done.stderr)[-1500:])
        return done.stdout

    def install(self, wheel: Path, extra: str, *, lowest: bool) -> None:
        """Install the wheel with an extra; a driver comes along, which every user needs."""
        wanted = f"pgq-sql[{extra}] @ {wheel.as_uri()}" if extra else f"pgq-sql @ {wheel.as_uri()}"
        resolution = "lowest-direct" if lowest else "highest"
        uv: list[str | Path] = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            self.python,
        ]
        self.run(*uv, "--resolution", resolution, wanted)

    def try_out(self, extra: str) -> None:
        """Run a job, and what the extra is for."""
        (self.folder / "handlers.py").write_text(HANDLERS, encoding="utf-8")
        pgq = (self.python, "-m", "pgq")
        self.run(*pgq, "--help")
        self.run(*pgq, "migrate", "--sql")
        if extra == "":  # libpq may be absent from the machine
            return
        self.run(*pgq, "migrate")
        self.run(*pgq, "enqueue", "add", '{"a": 2, "b": 3}')
        self.run(*pgq, "worker", "--drain", "handlers")
        assert '"succeeded"' in self.run(*pgq, "jobs", "--json")
        if extra in ("web", "all"):
            self.run(self.python, "-c", PAGE)
        if extra in ("metrics", "all"):
            self.run(self.python, "-c", SCRAPE)
        if extra in ("django", "all"):
            self.run(self.python, "-c", DJANGO)
        if extra in ("server", "all"):
            self.run(self.python, "-c", "from pgq import embedded; embedded.find_bindir()")


def try_environments(wheel: Path, folder: Path, extras: list[str]) -> int:
    """Try the wheel everywhere; return how many environments failed."""
    failed = 0
    with start(find_targets()[0]) as server:
        databases = Databases(server)
        for number, interpreter in enumerate(interpreters()):
            for extra in (*extras, "lowest") if number == 0 else extras:
                lowest = extra == "lowest"
                chosen = "all" if lowest else extra
                began = time.monotonic()
                with databases.fresh() as name, tempfile.TemporaryDirectory(dir=folder) as place:
                    wanted = (
                        chosen if chosen in ("", "binary", "server", "all") else f"binary,{chosen}"
                    )
                    try:
                        made = Environment(Path(place), interpreter, databases.dsn(name))
                        made.install(wheel, wanted, lowest=lowest)
                        made.try_out(chosen)
                    except AssertionError as error:
                        failed += 1
                        print(error)
                        verdict = "FAILED"
                    else:
                        verdict = "ok"
                    version = made.run(interpreter, "--version").strip()
                what = "all, lowest versions" if lowest else chosen or "nothing else"
                seconds = time.monotonic() - began
                print(f"{verdict:6}  {version}  {what} ({seconds:.0f} s)", flush=True)
        databases.close()
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--extra", action="append", choices=EXTRAS, help="only this one; repeat")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        hashes = build(folder / "first")
        failed = int(hashes != build(folder / "second"))
        print("the same to the byte, twice" if not failed else "FAILED  two builds differ")
        archives = sorted((folder / "first" / "dist").iterdir())
        for path in archives:
            size = path.stat().st_size
            fits = size <= LIMITS[path.suffix]
            failed += not fits
            print(f"{'ok' if fits else 'FAILED':6}  {path.name}: {size:,} bytes")
            print(f"        sha256 {hashes[path.name]}")
        checked = subprocess.run(
            [sys.executable, "-m", "twine", "check", "--strict", *archives], check=False
        )
        failed += checked.returncode != 0
        wheel = next(path for path in archives if path.suffix == ".whl")
        failed += try_environments(wheel, folder, given.extra or list(EXTRAS))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
