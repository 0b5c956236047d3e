"""For development: notice that source files have changed."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})

_more: set[Path] = set()


class Sources:
    """The .py files of some folders, and when each was changed last."""

    def __init__(self, folders: Iterable[Path]) -> None:
        chosen = sorted({folder.resolve() for folder in folders})
        self._folders = [
            each for each in chosen if not any(other in each.parents for other in chosen)
        ]
        self._times = dict(self._look())

    def changed(self) -> list[Path]:
        """Return what was changed, added or removed since the last call."""
        before, self._times = self._times, dict(self._look())
        differ = set(before.items()) ^ set(self._times.items())
        return sorted({Path(name) for name, _ in differ})

    def _look(self) -> Iterator[tuple[str, int]]:
        for folder in self._folders:
            for place, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if _is_watched(place, name)]
                for name in files:
                    if name.endswith(".py"):
                        path = os.path.join(place, name)  # noqa: PTH118 (thousands of them)
                        try:
                            yield path, os.stat(path).st_mtime_ns  # noqa: PTH116
                        except OSError:
                            continue


def _is_watched(place: str, name: str) -> bool:
    if name in _SKIPPED or name.startswith("."):
        return False
    return not Path(place, name, "pyvenv.cfg").exists()


def watch_too(folders: Iterable[Path]) -> None:
    """Watch more folders, which a framework knows; none of those that pip has installed."""
    _more.update(folder for folder in folders if not _INSTALLED.intersection(folder.parts))


def folders_of(modules: Iterable[str]) -> set[Path]:
    """Return the working directory, the folders of the modules' packages, and those of frameworks.

    Nothing is imported.
    """
    found = {Path.cwd(), *_more}
    for module in modules:
        name = module.partition(":")[0].partition(".")[0]
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        if spec is not None:
            # A module that is no package may lie beside all that is installed: not watched.
            found.update(Path(place) for place in spec.submodule_search_locations or [])
    return found
