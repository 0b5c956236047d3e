r"""Freeze the revisions at a release: put in the place of each \ir line the file it names.

    python migrations/freeze.py           freeze what is not frozen yet
    python migrations/freeze.py --check   only see that no frozen revision was changed, and that the
                                          first one after a release has raised the version

A frozen revision is listed in versions/SHA256SUMS (`sha256sum -c` reads it) and never changes
again, however sql/ goes on. Both exit 1 and name the file where one did change. Which release has
which revision is noted in versions/RELEASES, from which the extension's update scripts are made.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

VERSIONS = Path(__file__).resolve().parent / "versions"
SUMS = VERSIONS / "SHA256SUMS"
RELEASES = VERSIONS / "RELEASES"

# Run as a script, from anywhere: the package is beside this folder in the checkout.
sys.path.insert(0, str(VERSIONS.parents[1]))

from pgq.schema.names import read_script  # noqa: E402
from pgq.version import __version__  # noqa: E402


def frozen_sums() -> dict[str, str]:
    """Map each frozen file's name to its hash."""
    if not SUMS.exists():
        return {}
    lines = (line.split() for line in SUMS.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def freeze(path: Path) -> None:
    path.write_text(read_script(path), encoding="utf-8")
    with SUMS.open("a", encoding="utf-8") as sums:
        sums.write(f"{sha256(path)}  {path.name}\n")


def released() -> dict[str, str]:
    """Map each version that was released to the revision that it has."""
    known = RELEASES.read_text(encoding="utf-8") if RELEASES.exists() else ""
    return dict(line.split() for line in known.splitlines())


def note_release(version: str, revision: str) -> None:
    """Note the newest revision as that of this version, unless it is noted already."""
    known = released()
    if version not in known:
        lines = {**known, version: revision}.items()
        RELEASES.write_text("".join(f"{each} {of}\n" for each, of in lines), encoding="utf-8")


def stale_version() -> str | None:
    """Say what is wrong where a revision came after the release of this version.

    An extension has one script for each version: two revisions under one number would be two
    schemas that nothing tells apart, with no way from one to the other.
    """
    newest = newest_revision()
    revision = released().get(__version__)
    if revision is None or revision == newest:
        return None
    return (
        f"revision {newest} came after the release of {__version__}, which has {revision}: raise "
        "__version__ in pgq/version.py"
    )


def newest_revision() -> str:
    return max(path.name for path in VERSIONS.glob("*.sql")).partition("_")[0]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Freeze the revisions at a release.")
    parser.add_argument(
        "--check", action="store_true", help="only see that no frozen revision was changed"
    )
    given = parser.parse_args(arguments)
    sums = frozen_sums()
    changed = [name for name, digest in sums.items() if sha256(VERSIONS / name) != digest]
    for name in changed:
        print(f"{name} is frozen and was changed: restore it, add a new revision", file=sys.stderr)
    if wrong := stale_version():
        print(wrong, file=sys.stderr)
    if changed or wrong:
        return 1
    if not given.check:
        for path in sorted(VERSIONS.glob("*.sql")):
            if path.name not in sums:
                freeze(path)
                print(f"{path.name} is frozen")
        note_release(__version__, newest_revision())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
