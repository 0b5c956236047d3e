"""What the pages show is run: SQL by psql, Python in one namespace a page, in their order."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from urllib.parse import quote, urlencode

import click
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgq import tasks
from pgq.cli import cli
from tests.docs.pages import DECISIONS, ROOT, Block, Page, all_pages, pages_to_run
from tests.servers import Server

# What sessions of a worker are called in pg_stat_activity, after "pgq".
SESSIONS = {"handler", "heartbeat", "listener"}
LANGUAGES = {
    *("sql", "python", "console", "text", "ini", "yaml", "dockerfile"),
    *("js", "go", "java", "ruby", "php", "rust"),
}


def named(pages: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=[page.name for page in pages])


class Psql:
    """One psql session; its variables live from block to block."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def assert_runs(self, block: Block) -> None:
        """Run a block, and fail with what psql said where it gave up."""
        assert self._process.stdin and self._process.stderr
        # \warn goes to stderr, which is never buffered.
        self._process.stdin.write(f"{block.text}\n\\warn end of block\n")
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stderr:
            if line == "end of block\n":
                return
            said.append(line)
        pytest.fail(f"line {block.line}:\n{block.text}\n{''.join(said)}")


@contextmanager
def psql_session(bindir: Path, dsn: str) -> Iterator[Psql]:
    command = [str(bindir / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-d", dsn]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Psql(process)
        finally:
            process.kill()


def as_url(dsn: str) -> str:
    """Return a connection string as most people write it, which other drivers read too."""
    options = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    user, database = quote(options.pop("user", "")), quote(options.pop("dbname"))
    return f"postgresql://{user}@/{database}?{urlencode(options)}"


@named(list(pages_to_run()))
def test_the_blocks_of_a_page_run_in_order(
    page: Page, dsn: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_DSN", as_url(dsn))
    monkeypatch.setattr(tasks.registry, "_tasks", {})
    monkeypatch.setattr(tasks.registry, "middleware", [])
    monkeypatch.setattr(tasks.registry.hooks, "_hooks", {})
    monkeypatch.setattr(tasks.registry.hooks, "_on_error", [])
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where libraries look names up
    namespace = vars(module)
    with psql_session(server.bindir, dsn) as psql:
        for block in page.blocks:
            if block.language == "sql":
                psql.assert_runs(block)
            elif block.language == "python":
                # Empty lines before it, so that a traceback names the page's own line.
                source = "\n" * (block.line - 1) + block.text
                exec(compile(source, page.path, "exec"), namespace)


def test_every_block_says_what_it_is() -> None:
    unknown = [
        f"{page.name}, line {block.line}: {block.language}"
        for page in all_pages()
        for block in page.blocks
        if block.language not in LANGUAGES
    ]
    assert unknown == []


def test_what_belongs_to_an_item_of_a_list_is_moved_in_by_four_spaces() -> None:
    """With less, the site's list ends there, and the next one begins with 1."""
    wrong = [
        f"{page.name}: {line}"
        for page in all_pages()
        for line in re.findall(r"\n\n( {1,3}\S.*)", page.prose)
    ]
    assert wrong == []


def commands(page: Page) -> Iterator[list[str]]:
    """Yield the commands of console blocks as words; a pipeline is several."""
    for block in page.blocks:
        if block.language != "console":
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if not line.startswith("$ "):
                continue
            words: list[str] = []
            lexer = shlex.shlex(line[2:], posix=True, punctuation_chars="|&;()<>")
            lexer.whitespace_split = True
            for word in lexer:
                if set(word) <= set("|&;()<>"):
                    yield words
                    words = []
                else:
                    words.append(word)
            yield words


def test_commands_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    targets = (ROOT / "Makefile").read_text()
    wrong: list[str] = []
    for page in all_pages():
        monkeypatch.delenv("PGQ_DSN", raising=False)
        monkeypatch.delenv("PGQ_CONFIG", raising=False)
        for block in page.blocks:
            if "[installations." in block.text:
                (tmp_path / "pgq.toml").write_text(block.text)
                monkeypatch.setenv("PGQ_CONFIG", str(tmp_path / "pgq.toml"))
        wrong += [
            f"{page.name}: {' '.join(words)}: {problem}"
            for words in commands(page)
            if (problem := problem_of(words, targets))
        ]
    assert wrong == []


def test_commands_in_sentences_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """With something in the place of each word in capitals, and not always with all arguments."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    wrong = [
        f"{page.name}: {text}: {problem}"
        for page in all_pages()
        for text in re.findall(r"`(pgq [a-z][^`]*)`", page.prose)
        if (problem := problem_in_sentence(re.sub(r"\b[A-Z]+\b", "1", text)))
    ]
    assert wrong == []


def problem_in_sentence(text: str) -> str | None:
    """Say why no such command can be called like that; of `a|b` both must be there."""
    command: click.Command = cli
    words = shlex.split(text.split(" | ")[0])[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        names = words.pop(0).split("|")
        if unknown := [name for name in names if name not in {*command.commands, *SESSIONS}]:
            return f"no command {', '.join(unknown)}"
        if len(names) > 1 or names[0] in SESSIONS:
            return None
        command = command.commands[names[0]]
    try:
        command.make_context(command.name, words)
    except (click.MissingParameter, click.exceptions.Exit):  # as --help does
        return None
    except click.ClickException as error:
        said = error.format_message()
        return None if said.endswith("requires an argument.") else said
    return None


def problem_of(words: list[str], targets: str) -> str | None:
    """Say why there is no such command of pgq or make."""
    match words:
        case ["pgq", "--version" | "--help"]:
            return None
        case ["pgq", name, *arguments]:
            if name not in cli.commands:
                return "no such command"
            try:
                # It reads the arguments as the command would, and stops there.
                cli.commands[name].make_context(name, arguments)
            except click.ClickException as error:
                return error.format_message()
        case ["make", target, *_] if f"\n{target}:" not in targets:
            return "no such target"
    return None


def test_links_resolve() -> None:
    broken: list[str] = []
    for page in all_pages():
        for link in page.links:
            place, _, anchor = link.partition("#")
            target = (page.path.parent / place).resolve() if place else page.path
            if not target.exists() or (anchor and anchor not in Page(target).anchors):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_every_page_of_the_docs_is_linked() -> None:
    linked = {
        (page.path.parent / link.partition("#")[0]).resolve()
        for page in all_pages()
        for link in page.links
    }
    entrances = {ROOT / "README.md", ROOT / "docs" / "README.md", ROOT / "docs" / "index.md"}
    pages = {page.path for page in all_pages() if page.path.parent != DECISIONS}
    assert pages - linked <= entrances


def test_the_reference_is_fresh() -> None:
    check = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
