"""docs/how-to/django.md, step by step, in a project that `startproject` makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import django
import pytest

from tests.docs.pages import ROOT, Page

pytestmark = pytest.mark.slow
# What the page's reader does in another terminal.
WORK = """
import asyncio
from pgq import Worker
from pgq.contrib.django.workers import registry_of
asyncio.run(Worker({dsn!r}, registry=registry_of(), drain=True).run())
"""
# A reader has these in the settings already.
SETTINGS = """
from tests.contrib.django_settings import database_of
DATABASES = {{"default": database_of({dsn!r})}}
"""


def test_the_page_is_true(empty_dsn: str, tmp_path: Path) -> None:
    here = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "mysite.settings"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, **here},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "django", "startproject", "mysite", ".", "--settings", "django.conf.global_settings")
    run("manage.py", "startapp", "shop")
    settings = tmp_path / "mysite" / "settings.py"
    with settings.open("a") as file:
        file.write(SETTINGS.format(dsn=empty_dsn))
        if django.VERSION < (6, 0):
            file.write('INSTALLED_APPS.append("django_tasks")\n')
    program = ["import django", "django.setup()"]
    for block in Page(ROOT / "docs" / "how-to" / "django.md").blocks:
        if block.language != "python":
            continue
        text = block.text
        if django.VERSION < (6, 0):
            text = text.replace("from django.tasks", "from django_tasks")
        if named := re.match(r"# (\S+\.py)\n", text):
            with (tmp_path / named[1]).open("a") as file:
                file.write(text)
            continue
        if "result.refresh()" in text:
            # What the reader does in another terminal.
            program.append("import subprocess, sys")
            worker = ["manage.py", "pgq", "worker", "--drain"]
            program.append(f"subprocess.run([sys.executable, *{worker}], check=True)")
        program.append(text)
    run("manage.py", "migrate", "--verbosity", "0")
    run("manage.py", "check")
    said = run("-c", "\n".join(program))
    assert "1 READY\n" in said
    assert "SUCCESSFUL Hi, user 7\n" in said
    assert "welcome Hello, user 8\n" in said
