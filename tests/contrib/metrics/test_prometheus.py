"""docs/monitoring, by Prometheus itself: it scrapes, and evaluates every rule and every panel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.contrib.http.server import Serving
from pgq.contrib.metrics import Metrics
from tests.servers import free_port
from tests.sql.statistics.counting import fold
from tests.worker.running import drain

HERE = Path(__file__).parents[3] / "docs" / "monitoring"
RULES = HERE / "pgq.rules.yml"
pytestmark = [
    pytest.mark.skipif(
        shutil.which("prometheus") is None or shutil.which("promtool") is None,
        reason="no prometheus here: apt-get install prometheus",
    ),
    pytest.mark.slow,
]


def promtool(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, cwd=HERE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """A server of its own that scrapes one target each half second."""

    def __init__(self, folder: Path, target: str) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}/api/v1/"
        token = folder / "token"
        token.write_text("t0ken")
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\n"
            f"rule_files: [{RULES}]\n"
            "scrape_configs:\n"
            "  - job_name: pgq\n"
            f"    authorization: {{credentials_file: {token}}}\n"
            f"    static_configs: [{{targets: ['{target}']}}]\n"
        )
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def get(self, path: str, **parameters: str) -> Any:
        url = f"{self._url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as got:
            return json.load(got)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while True:
            try:
                if found := self.query(expression):
                    return found
            except OSError:
                pass
            assert self._process.poll() is None and time.monotonic() < deadline, expression
            time.sleep(0.1)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


@pytest.fixture
def prometheus(
    conn: psycopg.Connection,
    dsn: str,
    client: pgq.Client,
    registry: pgq.Registry,
    tmp_path: Path,
) -> Iterator[Prometheus]:
    """It scrapes a database in which jobs have run and others wait."""

    @registry.task("send")
    def send() -> None: ...

    for _ in range(3):
        client.enqueue("send", queue="mail")
    drain(dsn, registry)
    fold(conn)
    client.enqueue("send", queue="mail")
    with Serving(Metrics(dsn, token="t0ken").wsgi, "127.0.0.1", 0) as serving:
        made = Prometheus(tmp_path, serving.url.removeprefix("http://"))
        try:
            yield made
        finally:
            made.close()


def test_promtool_takes_the_rules_and_their_tests() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES))
    assert "SUCCESS" in promtool("test", "rules", "pgq.rules.test.yml")


def test_promtool_finds_nothing_in_the_metrics(dsn: str, client: pgq.Client) -> None:
    from pgq.contrib.metrics.exposition import exposed

    client.enqueue("send", queue="mail")
    said = promtool("check", "metrics", text=exposed(client.metric_series(), "")[1].decode())
    assert said.strip() == ""


def test_it_scrapes_and_evaluates_all(prometheus: Prometheus) -> None:
    (ready,) = prometheus.wait_for('pgq_queue_jobs{queue="mail",state="ready"} == 1')
    assert ready["value"][1] == "1"
    (target,) = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")

    names = set(prometheus.get("label/__name__/values"))
    (group,) = prometheus.get("rules")["groups"]
    bad = {rule["name"]: rule["lastError"] for rule in group["rules"] if rule["health"] == "err"}
    assert bad == {}
    used = dict.fromkeys(metrics_in(RULES.read_text()), RULES.name)
    dashboard = json.loads((HERE / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            prometheus.query(filled(target["expr"]))
            used |= dict.fromkeys(metrics_in(target["expr"]), panel["title"])
    assert {name: place for name, place in used.items() if name not in names} == {}


def filled(expression: str) -> str:
    """Put values in the place of Grafana's variables."""
    known = {"$__rate_interval": "1m", "$__interval": "1m"}
    for name, value in known.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$(job|instance|queue|task)\b", ".*", expression)


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bpgq_\w+", text))


def test_each_rule_has_its_heading_in_the_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (HERE / "runbook.md").read_text(), re.MULTILINE)
    rules = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert headings == rules
    links = re.findall(r"runbook\.md#(\w+)", RULES.read_text())
    assert links == [rule.lower() for rule in rules]
