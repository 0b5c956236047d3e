"""Write build/site: the pages of docs/ as a site that loads nothing from anywhere else.

    python docs/build_site.py [FOLDER]    in another folder than build

The pages are copied to its folder pages, with links that fit there, and MkDocs makes the site of
them. docs/README.md is the list of pages: its headings and links are the site's navigation. A link
that leads nowhere, and whatever MkDocs warns of, is an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
# Pages from elsewhere in the repository, and those that have another name here.
PLACES = {
    "docs/README.md": "all-pages.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "report-a-hole.md",
    "sql/README.md": "sql.md",
}
# The start page has the whole width; it is not about one part of the site.
HEADERS = {"docs/index.md": "---\nhide: [navigation, toc]\n---\n"}

_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
_CONFIGURATION = """\
# Written by docs/build_site.py.
site_name: pgq
site_description: {description}
docs_dir: pages
site_dir: site
theme:
  name: material
  font: false
  favicon: theme/icon.svg
  logo: theme/icon.svg
  features: [content.code.copy, navigation.footer, navigation.tabs, navigation.tabs.sticky,
    navigation.top, search.highlight, search.suggest, toc.follow]
  palette:
    - media: (prefers-color-scheme)
      toggle: {{icon: material/brightness-auto, name: Light}}
    - media: "(prefers-color-scheme: light)"
      scheme: default
      primary: custom
      toggle: {{icon: material/brightness-7, name: Dark}}
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      primary: custom
      toggle: {{icon: material/brightness-4, name: As the system}}
extra_css: [theme/pages.css]
extra:
  polyfills: [theme/iframe-worker.js]  # instead of one that the plugin `offline` loads
plugins:
  search:
    separator: '[\\s\\-,:!=\\[\\]()"/]+|\\.(?!\\d)|&[lg]t;'
  offline: {{}}
markdown_extensions:
  md_in_html: {{}}
  pymdownx.highlight: {{}}
  pymdownx.superfences: {{}}
  tables: {{}}
  toc:
    permalink: true
    toc_depth: 3
    # The names of headings that links on GitHub use.
    slugify: !!python/object/apply:pymdownx.slugs.slugify {{kwds: {{case: lower}}}}
validation:
  absolute_links: warn
  anchors: warn
  omitted_files: ignore
  unrecognized_links: warn
nav: {navigation}
"""


class Misplaced(Exception):
    """A page names something that the site does not have."""


def places() -> dict[str, str]:
    """Return where each file is on the site, by its path in the repository."""
    found = {
        path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).as_posix()
        for path in sorted(DOCS.rglob("*"))
        if path.is_file() and path.suffix not in (".1", ".py", ".pyc")
    }
    return found | PLACES


def moved(text: str, path: str, where: dict[str, str]) -> str:
    """Return a page's text with links that lead to the same files on the site."""

    def link(found: re.Match[str]) -> str:
        if re.match(r"[a-z]+:", found[1]):
            return found[1]
        target = os.path.normpath(PurePosixPath(path).parent / found[1])
        if target not in where:
            raise Misplaced(f"{path}: {found[1]} is not on the site")
        return os.path.relpath(where[target], PurePosixPath(where[path]).parent)

    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def navigation(text: str, where: dict[str, str]) -> Iterator[dict[str, object]]:
    """Yield the list of pages as MkDocs takes it: a heading with the pages below it."""
    yield {"Start": "index.md"}
    for section in text.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        pages: list[object] = []
        for name, link in re.findall(r"^- \[([^]]+)\]\(([^)#]+)\)", rest, re.MULTILINE):
            pages.append({name: where[os.path.normpath(PurePosixPath("docs", link))]})
        yield {title: pages}


def write_pages(build: Path) -> None:
    """Write the pages and, beside them, the configuration."""
    pages = build / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    where = places()
    for path, place in where.items():
        target = pages / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            text = moved((ROOT / path).read_text(encoding="utf-8"), path, where)
            target.write_text(HEADERS.get(path, "") + text, encoding="utf-8")
        else:
            shutil.copyfile(ROOT / path, target)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = navigation((DOCS / "README.md").read_text(encoding="utf-8"), where)
    (build / "mkdocs.yml").write_text(
        _CONFIGURATION.format(
            description=json.dumps(project["description"]), navigation=json.dumps([*entries])
        ),
        encoding="utf-8",
    )


def main(arguments: list[str]) -> int:
    """Write the pages, then the site."""
    build = Path(arguments[0]) if arguments else ROOT / "build"
    try:
        write_pages(build)
    except Misplaced as error:
        sys.stderr.write(f"{error}\n")
        return 1
    command = ["mkdocs", "build", "--quiet", "--strict", "--config-file", str(build / "mkdocs.yml")]
    told = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # docs/decisions/0085 says what it warns of
    return subprocess.run([sys.executable, "-m", *command], check=False, env=told).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
