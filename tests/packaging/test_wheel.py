"""What a user gets: the wheel, in an empty environment, away from the checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgq.schema.names import MIGRATIONS, SQL, read_script
from pgq.version import __version__

# The files of sql/ that are read alone, besides the whole install.
ALONE = (
    *("check_owner.sql", "grants.sql", "queries.psql", "schema.sql"),
    "tables/installed_objects.sql",
)

CHECKOUT = Path(__file__).resolve().parents[2]

# Both tools below download what they need, as a user's would.
pytestmark = pytest.mark.timeout(600)


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """Run a program outside the checkout, without this run's Python settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def made_once(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder that all processes of this run share, and whether it is to be filled."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, done = shared / name, shared / f"{name}.done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield folder, not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that was built from it."""
    with made_once(tmp_path_factory, "archives") as (folder, is_new):
        if is_new:
            run([sys.executable, "-m", "build", "--outdir", folder, CHECKOUT], folder)
    return folder


@pytest.fixture(scope="session")
def wheel(archives: Path) -> Path:
    return next(archives.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds nothing but the wheel and what it asks for."""
    with made_once(tmp_path_factory, "environment") as (folder, is_new):
        if is_new:
            venv.create(folder, with_pip=True)
            pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
            run([*pip, f"{wheel}[binary]"], folder)
    return folder / "bin"


def names_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_carries_the_package_the_sql_and_the_migrations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
        scripts = {
            name: archive.read(f"pgq/sql/{name}").decode() for name in ("install.sql", *ALONE)
        }

    package = {name for name in names_below(CHECKOUT / "pgq") if not name.endswith(".pyc")}
    package.remove("client/generate.py")  # for a checkout
    expected = {
        *(f"pgq/{name}" for name in package),
        *(f"pgq/sql/{name}" for name in scripts),
        *(f"pgq/migrations/{name}" for name in names_below(MIGRATIONS)),
        f"pgq_sql-{__version__}.data/data/share/man/man1/pgq.1",
    }
    metadata = {name for name in carried if ".dist-info/" in name}
    assert carried - metadata == expected
    assert "pgq/py.typed" in carried
    assert scripts == {name: read_script(SQL / name) for name in scripts}
    assert any(name.endswith("licenses/LICENSE") for name in metadata)


def test_the_source_archive_can_be_tested(archives: Path) -> None:
    with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
        sizes = {member.name.partition("/")[2]: member.size for member in archive.getmembers()}
    assert {"Makefile", "README.md", "sql/install.sql", "migrations/env.py"} <= sizes.keys()
    assert "tests/conftest.py" in sizes
    assert {name: size for name, size in sizes.items() if size > 200_000} == {}


def test_the_installed_package_migrates_a_database_and_runs_a_job(
    installed: Path, empty_dsn: str, tmp_path: Path
) -> None:
    (tmp_path / "handlers.py").write_text(
        "import pgq\n\n\n@pgq.task\ndef add(a: int, b: int) -> int:\n    return a + b\n",
        encoding="utf-8",
    )

    def pgq(*arguments: str) -> str:
        command: list[str | Path] = [installed / "python", "-m", "pgq", *arguments]
        return run(command, tmp_path, PGQ_DSN=empty_dsn)

    pgq("migrate")
    assert pgq("migrate", "--repair")
    pgq("migrate", "--extension", "extension")
    assert (tmp_path / "extension" / f"pgq_sql--{__version__}.sql").stat().st_size > 500_000
    job = pgq("enqueue", "add", '{"a": 2, "b": 3}', "--json")
    pgq("worker", "--drain", "handlers")

    assert '"succeeded"' in pgq("jobs", "--json"), job


def test_the_console_script_is_the_module(installed: Path, tmp_path: Path) -> None:
    assert run([installed / "pgq", "--help"], tmp_path) == run(
        [installed / "python", "-m", "pgq", "--help"], tmp_path
    )
