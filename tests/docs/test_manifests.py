"""The manifests in docs/how-to/deploy.md: they can be read, and promise what the page asks for."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from pgq.lib.durations import parse_duration
from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import problem_of

PAGE = Page(ROOT / "docs" / "how-to" / "deploy.md")


def blocks(language: str) -> list[str]:
    found = [block.text for block in PAGE.blocks if block.language == language]
    assert found
    return found


def documents() -> list[dict[str, Any]]:
    return [each for text in blocks("yaml") for each in yaml.safe_load_all(text)]


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = (each for each in documents() if each.get("kind") == kind)
    return found


def lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from lists(each)


def commands() -> list[list[str]]:
    found = [each for document in documents() for each in lists(document) if "pgq" in each[:1]]
    for text in blocks("dockerfile"):
        found += [json.loads(each) for each in re.findall(r"^CMD (.+)$", text, re.MULTILINE)]
    for text in blocks("ini"):
        starts = re.findall(r"^ExecStart=\S+/(pgq .+)$", text, re.MULTILINE)
        found += [shlex.split(each) for each in starts]
    return found


def seconds(text: str) -> float:
    length = parse_duration(text)
    assert length
    return length.total_seconds()


def shutdown_timeout(words: list[str]) -> float:
    return seconds(words[words.index("--shutdown-timeout") + 1])


def test_the_commands_exist() -> None:
    assert len(commands()) == 6
    assert [problem for words in commands() if (problem := problem_of(words, ""))] == []


def test_each_waits_longer_than_a_worker_may_take() -> None:
    """Ten seconds more: hooks have these after --shutdown-timeout."""
    worker = of_kind("Deployment")["spec"]["template"]["spec"]
    command = worker["containers"][0]["command"]
    assert worker["terminationGracePeriodSeconds"] >= shutdown_timeout(command) + 10
    compose = next(each for each in documents() if "services" in each)["services"]["worker"]
    grace = seconds(compose["stop_grace_period"])
    assert grace >= shutdown_timeout(compose["command"]) + 10
    (unit,) = blocks("ini")
    stop = re.search(r"TimeoutStopSec=(\d+)", unit)
    (start,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert stop
    assert int(stop[1]) >= shutdown_timeout(shlex.split(start)) + 10


def test_the_probes_ask_where_the_worker_listens() -> None:
    (container,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    command = container["command"]
    assert command[command.index("--metrics-port") + 1] == str(port["containerPort"])
    assert command[command.index("--metrics-host") + 1] == "0.0.0.0"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_labels_and_names_fit() -> None:
    deployment, scaled = of_kind("Deployment"), of_kind("ScaledObject")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    assert f"{query};\n" in blocks("sql")
