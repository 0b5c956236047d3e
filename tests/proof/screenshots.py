"""Take the pictures of docs/images: python -m tests.proof.screenshots [--minutes N] [--only NAME].

The shop of `pgq demo --live` runs for some minutes; the hour before is made of those, for the
charts. The dashboard's pages are taken in Chromium, in light and dark and as a phone shows them;
the picture of `pgq top` is drawn by rich. Needs a Chromium.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from rich.console import Console
from werkzeug.serving import make_server

import pgq
from pgq.cli.top.look import Looker
from pgq.cli.top.run import drawing
from pgq.cli.top.view import View
from pgq.contrib.web.access import ALL, Access, from_here
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.app import Dashboard
from tests.sources import CHECKOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES: Final = CHECKOUT / "docs" / "images"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
SCHEMES: Final = ("light", "dark")
WIDE: Final = {"width": 1280, "height": 860}
PHONE: Final = {"width": 360, "height": 740}
# In pixels of a picture to one of a page, and of 100.
SHARPNESS, QUALITY = 1.5, 82
LARGEST: Final = 200_000
# The minutes that were real come again and again, more or less busy.
BEFORE: Final = """
    insert into pgq.stat_periods (unit, began_at, queue, task, outcome, jobs, wait_us, run_us,
      waits, runs)
    select unit, began_at - n * (select count(distinct began_at) from real)
        * interval '1 minute', queue, task, outcome,
      greatest(1, round(jobs * (0.75 + 0.35 * sin(n / 4.0) + 0.1 * sin(n * 7)))), wait_us, run_us,
      waits, runs
    from real
    cross join generate_series(1, 60) as n
    where outcome <> 'failed' or (n + length(task)) % 5 = 0
    on conflict do nothing
"""
DEPTHS: Final = """
    with step as (select max(at) - min(at) + interval '1 minute' as length from pgq.stat_samples),
    samples as (
      insert into pgq.stat_samples (at, last_id)
      select at - n * length, last_id from pgq.stat_samples, step, generate_series(1, 60) as n
      on conflict do nothing
    )
    insert into pgq.stat_depths
    select at - n * length, queue, ready, scheduled, blocked, running, failed, lag,
      oldest_failed_at, estimated
    from pgq.stat_depths, step, generate_series(1, 60) as n
    on conflict do nothing
"""
# Of which folders the pages tell is nobody's business.
FOLDERS: Final = """folder => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    walk.currentNode.data = walk.currentNode.data.replaceAll(folder, "/srv/shop");
  }
}"""


def pages(client: pgq.Client, conn: psycopg.Connection) -> dict[str, str]:
    """Return what to take, by the name of the picture."""

    def one(query: str) -> Any:
        row = conn.execute(query.encode()).fetchone()
        assert row is not None, query
        return row[0]

    failed = one(
        "select id from pgq.job_history where state = 'failed' and attempt > 1"
        " and jsonb_array_length(errors) > 1 order by jsonb_array_length(errors), id desc limit 1"
    )
    ids = [job.id for job in client.list_jobs(queue="imports", page_size=60).jobs]
    flow = max(ids, key=lambda job_id: len(client.flow_graph(job_id, 60)))
    return {
        "overview": "/",
        "queue": "/queue?name=payments",
        "jobs": "/jobs",
        "job": f"/jobs/{failed}",
        "errors": "/errors",
        "flow": f"/flows/{flow}",
        "schedules": "/schedules",
        "health": "/health",
    }


@contextmanager
def shop() -> Generator[str, None, None]:
    """Run the demo's shop while the block runs; yield its DSN."""
    command = [sys.executable, "-m", "pgq", "demo", "--live", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            said = json.loads(text)
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield said["dsn"]
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def served(dsn: str) -> Generator[str, None, None]:
    """Serve the dashboard while the block runs, to somebody who may do everything."""
    dashboard = Dashboard(
        dsn, authorize=from_here(Access("ann", ALL)), operator=Operator(dsn, "pgq"), secret="shots"
    )
    server = make_server("127.0.0.1", 0, dashboard.wsgi, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    dashboard.close()


def take(
    browser: Browser,
    url: str,
    name: str,
    scheme: str,
    size: dict[str, int],
    cookie: dict[str, str] | None = None,
) -> None:
    """Take a picture of what a page shows first, to who has the cookie."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=SHARPNESS,
        reduced_motion="reduce",
    )
    if cookie is not None:
        context.add_cookies([{**cookie}])  # type: ignore[typeddict-item]
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.evaluate(FOLDERS, str(CHECKOUT))
    session = context.new_cdp_session(page)
    given = {"format": "webp", "quality": QUALITY}
    picture = base64.b64decode(session.send("Page.captureScreenshot", given)["data"])
    assert len(picture) < LARGEST, (name, len(picture))
    (IMAGES / f"{name}-{scheme}.webp").write_bytes(picture)
    print(f"{name}-{scheme}.webp {len(picture):,}", flush=True)
    context.close()


def draw_top(client: pgq.Client) -> None:
    """Draw what `pgq top` shows."""
    looker, view = Looker(client, "shop", wait=False), View()
    looker.look(view.screen.name)
    time.sleep(5)
    view.shows(looker.look(view.screen.name))
    console = Console(record=True, width=120, file=io.StringIO(), force_terminal=True)
    for line in drawing(view, 120, 20):
        console.print(line, no_wrap=True, crop=True)
    # Its fonts would be asked from others.
    text = re.sub(r"@font-face {.*?}\n", "", console.export_svg(title="pgq top"), flags=re.DOTALL)
    (IMAGES / "top.svg").write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--only", help="take this page only")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found is not None, "there is no Chromium on this machine"
    IMAGES.mkdir(exist_ok=True)
    with shop() as dsn, pgq.Client(dsn) as client:
        time.sleep(given.minutes * 60)
        with psycopg.connect(dsn, autocommit=True) as conn:
            real = (
                "with real as (select * from pgq.stat_periods where unit = 'minute' and began_at"
                " < date_trunc('minute', now()) and began_at"
                " > (select min(began_at) from pgq.stat_periods where unit = 'minute'))"
            )
            conn.execute(f"{real} {BEFORE}".encode())
            conn.execute(DEPTHS.encode())
            asked = pages(client, conn)
        draw_top(client)
        with served(dsn) as url, sync_playwright() as running:
            browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
            for name, address in asked.items():
                if given.only not in (None, name):
                    continue
                for scheme in SCHEMES:
                    take(browser, url + address, name, scheme, WIDE)
                    if name in ("overview", "job"):
                        take(browser, url + address, f"{name}-phone", scheme, PHONE)
            browser.close()


if __name__ == "__main__":
    main()
