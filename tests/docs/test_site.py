"""`make site`: a site without warnings and dead links, which loads nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DECISIONS, ROOT, all_pages

pytest.importorskip("material", reason="MkDocs and its theme are not installed")
# MkDocs reads and writes two hundred pages.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BUILD_SITE = [sys.executable, str(ROOT / "docs" / "build_site.py")]
# What a browser loads by itself; it follows <a href> only when somebody clicks.
LOADED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "srcset"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Html(HTMLParser):
    """A page of the site: what it loads, where it leads, and the names in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.leads: set[str] = set()
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            if (tag, name) in LOADED and value:
                self.loads.add(value)
            elif (tag, name) == ("a", "href") and value:
                self.leads.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("build")
    done = subprocess.run([*BUILD_SITE, build], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return build / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Html]:
    found = {path: Html(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(found) > 100
    return found


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Html]) -> None:
    wanted = {(path, load) for path, page in pages.items() for load in page.loads}
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", sheet.read_text(encoding="utf-8"))
        wanted |= {(sheet, each) for each in found if not each.startswith(("data:", "#"))}
    missing = {
        f"{path.relative_to(site)}: {load}"
        for path, load in wanted
        if re.match(r"([a-z]+:)?//", load) or not (path.parent / load.partition("?")[0]).is_file()
    }
    assert missing == set()


def test_no_link_is_dead(site: Path, pages: dict[Path, Html]) -> None:
    dead = set[str]()
    for path, page in pages.items():
        for link in page.leads:
            if re.match(r"[a-z]+:", link):
                continue
            place, _, name = unquote(link).partition("#")
            target = (path.parent / place).resolve() if place else path
            if not target.exists() or (name and name not in pages[target].names):
                dead.add(f"{path.relative_to(site)}: {link}")
    assert dead == set()


def test_every_page_is_in_the_navigation(pages: dict[Path, Html], site: Path) -> None:
    listed = {(site / link).resolve() for link in pages[site / "index.html"].leads}
    pages_of_docs = [each.path for each in all_pages() if (ROOT / "docs") in each.path.parents]
    missing = [
        str(path.relative_to(ROOT))
        for path in pages_of_docs
        if path.parent != DECISIONS and path.name != "README.md"
        if site / path.relative_to(ROOT / "docs").with_suffix(".html") not in listed
    ]
    assert missing == []


def test_a_link_to_what_the_site_lacks_is_refused(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import build_site
    finally:
        sys.path.pop(0)
    where = {"docs/ONE.md": "ONE.md", "docs/IN/TWO.md": "IN/TWO.md", "CHANGELOG.md": "changes.md"}
    text = "[two](IN/TWO.md#name), [changes](../CHANGELOG.md), [far](https://example.com/a.md)\n"
    moved = "[two](IN/TWO.md#name), [changes](changes.md), [far](https://example.com/a.md)\n"
    assert build_site.moved(text, "docs/ONE.md", where) == moved
    with pytest.raises(build_site.Misplaced, match="is not on the site"):
        build_site.moved("[no](../sql/NONE.sql)", "docs/ONE.md", where)


@pytest.fixture
def browser_path() -> str:
    pytest.importorskip("playwright", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium")
    return found


def test_the_search_works_in_a_page_that_is_opened_as_a_file(site: Path, browser_path: str) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "how-to" / "flows.html").as_uri())
        page.click(".md-search__input")
        page.keyboard.type("claim_batch")
        found = page.locator(".md-search-result__item")
        found.first.wait_for()
        assert "claim_batch" in found.first.inner_text()
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
