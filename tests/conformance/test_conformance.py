"""Our worker keeps the protocol, the one in Node does, and a worker that does not is found out."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from pgq.cli import cli
from pgq.conformance.run import CHECKS, NAMES
from tests.drivers.conftest import NodeFolder
from tests.sources import CHECKOUT

PGQ = [sys.executable, "-m", "pgq"]
OURS = [*PGQ, "worker", "pgq.conformance.tasks"]
WRONG = [*PGQ, "worker", "tests.conformance.wrong_tasks"]

# What is wrong, and which checks must see it.
BROKEN = {
    "twice the concurrency": ([*OURS, "-c", "8"], ["registers", "keeps-its-concurrency"]),
    "no schedules": ([*OURS, "--no-schedules"], ["fires-schedules"]),
    "no maintenance": ([*OURS, "--only-work"], ["maintains"]),
    "rare heartbeats": (
        [*OURS, "--lease", "60s", "--heartbeat-interval", "50s"],
        ["cancels", "pauses"],
    ),
    "no patience at the end": ([*OURS, "--shutdown-timeout", "600ms"], ["ends-at-sigterm"]),
    "wrong tasks": (WRONG, ["completes", "fails", "sends-heartbeats"]),
    "no worker": (["false"], ["registers"]),
    "no command": (["./no such command"], ["registers"]),
}


def verdicts(*arguments: str) -> dict[str, Any]:
    """Run the command, and return what it says of each check."""
    done = subprocess.run(
        [*PGQ, "conformance", "--json", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.stdout, done.stderr
    found = {each["name"]: each for each in json.loads(done.stdout)}
    broken = any(each["problem"] for each in found.values())
    assert done.returncode == (1 if broken else 0), done.stderr
    return found


def problems(found: dict[str, Any]) -> dict[str, str]:
    return {name: each["problem"] for name, each in found.items() if each["problem"]}


@pytest.mark.slow
def test_our_worker_keeps_every_promise() -> None:
    found = verdicts("--", *OURS)
    assert list(found) == NAMES
    assert problems(found) == {}


@pytest.mark.slow
def test_the_worker_in_node_keeps_every_promise(node_folder: NodeFolder) -> None:
    source = CHECKOUT / "docs/examples/worker.mjs"
    assert source.read_text().count("\n") <= 200
    worker = node_folder / source.name
    worker.write_text(source.read_text())
    assert problems(verdicts("--", "node", str(worker))) == {}


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_is_seen(what: str) -> None:
    command, checks = BROKEN[what]
    only = [part for name in checks for part in ("--only", name)]
    assert sorted(problems(verdicts(*only, "--", *command))) == sorted(checks)


def test_the_page_lists_the_checks() -> None:
    page = (CHECKOUT / "docs/worker-protocol.md").read_text()
    listed = page.partition("<!-- checks -->")[2].partition("<!-- end -->")[0].split("\n")[4:-2]
    assert listed == [f"| `{each.name}` | {each.promise} |" for each in CHECKS]


def test_an_unknown_check_is_refused() -> None:
    done = CliRunner().invoke(cli, ["conformance", "--only", "speed", "--", "true"])
    assert done.exit_code == 2
    assert "there is no check speed; there are registers, " in done.output
