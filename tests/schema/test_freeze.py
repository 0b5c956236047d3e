"""A release freezes its revision: the file stands for itself and is never edited again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pgq.schema.names import MIGRATIONS, SQL, read_script
from pgq.version import __version__
from tests.schema.installs import CHECKOUT

REVISION = "0001_initial.sql"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose first revision is not frozen yet."""
    shutil.copytree(CHECKOUT / "pgq", tmp_path / "pgq")
    shutil.copytree(SQL, tmp_path / "sql")
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    versions = tmp_path / "migrations" / "versions"
    (versions / "SHA256SUMS").unlink(missing_ok=True)
    (versions / "RELEASES").unlink(missing_ok=True)
    (versions / REVISION).write_text("\\ir ../../sql/install.sql\n", encoding="utf-8")
    return tmp_path


def freeze(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = checkout / "migrations" / "freeze.py"
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False
    )


def test_freezing_keeps_the_text_and_ends_the_tie_to_sql(checkout: Path) -> None:
    revision = checkout / "migrations" / "versions" / REVISION
    live = read_script(revision)

    done = freeze(checkout)

    assert (done.returncode, done.stdout) == (0, f"{REVISION} is frozen\n"), done.stderr
    assert revision.read_text(encoding="utf-8") == live
    shutil.rmtree(checkout / "sql")
    assert read_script(revision) == live


def test_a_frozen_revision_is_not_frozen_again(checkout: Path) -> None:
    freeze(checkout)
    sums = checkout / "migrations" / "versions" / "SHA256SUMS"
    before = sums.read_text(encoding="utf-8")

    done = freeze(checkout)

    assert (done.returncode, done.stdout) == (0, "")
    assert sums.read_text(encoding="utf-8") == before


@pytest.mark.slow
def test_it_notes_the_release_once(checkout: Path) -> None:
    noted = checkout / "migrations" / "versions" / "RELEASES"
    freeze(checkout, "--check")
    assert not noted.exists()
    for _ in range(2):
        freeze(checkout)
        assert noted.read_text(encoding="utf-8") == f"{__version__} 0001\n"


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("--chekc", 2), ("x", 2)])
def test_no_other_argument_freezes(checkout: Path, argument: str, code: int) -> None:
    assert freeze(checkout, argument).returncode == code
    assert not (checkout / "migrations" / "versions" / "SHA256SUMS").exists()


@pytest.mark.parametrize("arguments", [(), ("--check",)])
@pytest.mark.parametrize("harm", ["edited", "removed"])
def test_a_change_of_a_frozen_revision_is_an_error(
    checkout: Path, harm: str, arguments: tuple[str, ...]
) -> None:
    freeze(checkout)
    revision = checkout / "migrations" / "versions" / REVISION
    if harm == "edited":
        revision.write_text("select 1;\n", encoding="utf-8")
    else:
        revision.unlink()

    done = freeze(checkout, *arguments)

    assert done.returncode == 1
    assert f"{REVISION} is frozen" in done.stderr


def test_the_first_revision_after_a_release_raises_the_version(checkout: Path) -> None:
    freeze(checkout)
    assert freeze(checkout, "--check").returncode == 0
    versions = checkout / "migrations" / "versions"
    (versions / "0002_next.sql").write_text("select;\n")
    for arguments in (["--check"], []):
        done = freeze(checkout, *arguments)
        assert done.returncode == 1
        said = f"revision 0002 came after the release of {__version__}, which has 0001: raise"
        assert done.stderr.startswith(said)
    assert "0002" not in (versions / "SHA256SUMS").read_text()

    (checkout / "pgq" / "version.py").write_text('__version__ = "99.0.0"\n')
    assert freeze(checkout, "--check").returncode == 0
    assert freeze(checkout).returncode == 0
    assert (versions / "RELEASES").read_text().splitlines()[-1] == "99.0.0 0002"


def test_a_check_freezes_nothing(checkout: Path) -> None:
    assert freeze(checkout, "--check").returncode == 0
    assert not (checkout / "migrations" / "versions" / "SHA256SUMS").exists()


def test_every_released_revision_is_as_it_was_released() -> None:
    done = freeze(CHECKOUT, "--check")
    assert done.returncode == 0, done.stderr
