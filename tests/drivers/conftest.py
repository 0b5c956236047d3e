"""Node's driver, installed once per run of the tests; skipped where there is no npm."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Node = Callable[..., str]
NodeFolder = Path


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> NodeFolder:
    """A folder with the package pg."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "pg@8"]
    subprocess.run(install, cwd=folder, check=True, timeout=100)
    return folder


@pytest.fixture(scope="session")
def node(node_folder: NodeFolder) -> Node:
    """`node(script, *arguments)` runs a script beside the package pg and returns its output."""

    def run(script: Path, *arguments: str) -> str:
        local = node_folder / script.name
        local.write_text(script.read_text())
        answer = subprocess.run(
            ["node", str(local), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    return run
