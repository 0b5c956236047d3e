"""Decide as whom the server runs: Postgres refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pgq.embedded.binaries import ServerError

_SERVICE_USERS = ("postgres", "nobody")

_DROP_ROOT = """
import os, sys
uid, gid = int(sys.argv[1]), int(sys.argv[2])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass(frozen=True)
class Identity:
    """The words to put before a server command, and the uid that must own its files."""

    prefix: tuple[str, ...]
    uid: int


def choose_identity(bindir: Path) -> Identity:
    """Return the first identity under which the binaries run; ServerError if there is none.

    An ordinary user stays that user. Root becomes another user inside a user namespace: there the
    files stay root's, and folders that are closed to others stay reachable. If namespaces are
    forbidden, as in many containers, root becomes that user outside of one, and the user must be
    able to reach the binaries.
    """
    if os.geteuid() != 0:
        return Identity((), os.geteuid())
    for identity in _root_identities():
        probe = [*identity.prefix, str(bindir / "postgres"), "--version"]
        if subprocess.run(probe, capture_output=True, cwd="/", check=False).returncode == 0:
            return identity
    raise ServerError(
        "Postgres does not run as root, this machine allows no user namespace, and the users "
        f"{' and '.join(_SERVICE_USERS)} cannot run {bindir / 'postgres'}: run as an ordinary "
        "user, or name binaries that everyone can reach with `--bindir`"
    )


def _root_identities() -> Iterator[Identity]:
    users = _service_users()
    unshare = shutil.which("unshare")
    for user in users if unshare else ():
        yield Identity((str(unshare), "--user", f"--map-user={user.pw_uid}", "--"), 0)
    for user in users:
        drop = (sys.executable, "-I", "-S", "-c", _DROP_ROOT, str(user.pw_uid), str(user.pw_gid))
        yield Identity(drop, user.pw_uid)


def service_uids() -> list[int]:
    """Return the uids of the users that root may run the server as, the best one first."""
    return [user.pw_uid for user in _service_users()]


def _service_users() -> list[pwd.struct_passwd]:
    # initdb looks its user up, so the uid must be one that has a name.
    known = {user.pw_name: user for user in pwd.getpwall()}
    return [known[name] for name in _SERVICE_USERS if name in known]
