"""Django's own tests of task backends, from its source archive, against those of pgq."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

import django
import pytest

from tests.sources import CHECKOUT

pytestmark = pytest.mark.slow
IS_BACKPORT: Final = django.VERSION < (6, 0)
# What is not in the wheels. The backport has no tests in its archive either, and gets Django 6.0's.
RELEASE: Final = "6.0.*" if IS_BACKPORT else django.get_version()
KEPT: Final = CHECKOUT / "build" / "django-tests"
# How the backport calls the same.
RENAMED: Final = {
    r"django\.tasks": "django_tasks",
    r"InvalidTaskBackend\b": "InvalidTaskBackendError",
    r"InvalidTask\b": "InvalidTaskError",
    "does not support async Tasks": "does not support async tasks",
}
FEWEST: Final = 60


def archive() -> Path:
    """Return Django's source archive, fetched once."""
    folder = KEPT / RELEASE.replace("*", "x")
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("*.tar.gz")):
        with tempfile.TemporaryDirectory(dir=KEPT) as fresh:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                 "--ignore-requires-python", "--no-deps", "--no-binary", ":all:",
                 "--dest", fresh, f"django=={RELEASE}"],
                check=True, timeout=300,
            )  # fmt: skip
            # Another process may have done the same meanwhile.
            for found in Path(fresh).glob("*.tar.gz"):
                found.replace(folder / found.name)
    return max(folder.glob("*.tar.gz"))


def unpack(into: Path) -> None:
    """Put Django's tests of tasks into a folder, with the names of the installed framework."""
    (into / "tasks").mkdir()
    with tarfile.open(archive()) as packed:
        for member in packed:
            name = re.fullmatch(r"[^/]+/tests/ta[s]ks/(\w+\.py)", member.name)
            content = packed.extractfile(member) if name else None
            if name and content:
                text = content.read().decode()
                for theirs, here in RENAMED.items() if IS_BACKPORT else ():
                    text = re.sub(theirs, here, text)
                (into / "tasks" / name[1]).write_text(text)


@pytest.mark.timeout(400)
def test_django_finds_no_fault(dsn: str, tmp_path: Path, record_property: Any) -> None:
    unpack(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.contrib.django.suite", str(tmp_path), dsn],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    passed, failed, left_out = said["passed"], said["failed"], said["left out"]
    record_property(
        "says",
        f"Django {django.get_version()}, its own tests of task backends: {len(passed)} passed, "
        f"{len(left_out)} are left out:"
        + "".join(f"\n  {test}: {reason}" for test, reason in left_out.items()),
    )
    assert {name: text for name, text in failed.items() if name not in left_out} == {}
    # What passes by now is not to be left out.
    assert set(left_out) - set(failed) == set()
    assert len(passed) >= FEWEST
