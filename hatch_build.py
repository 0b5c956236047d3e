"""What the wheel holds of sql/: the install as one file, for it is a fraction of 400 small ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
# What is read by itself, besides.
ALONE = (
    *("check_owner.sql", "grants.sql", "queries.psql", "schema.sql"),
    "tables/installed_objects.sql",
)


class OneScript(BuildHookInterface[Any]):
    """Puts the scripts of sql/ that the package reads into a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the whole install, and name what goes along."""
        if version == "editable":  # it reads the checkout
            return
        sys.path.insert(0, str(ROOT))
        from pgq.schema.names import SQL, read_script

        whole = Path(self.directory, "install.sql")
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(read_script(SQL / "install.sql"), encoding="utf-8")
        build_data["force_include"][str(whole)] = "pgq/sql/install.sql"
        for name in ALONE:
            build_data["force_include"][str(SQL / name)] = f"pgq/sql/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written for the wheel."""
        Path(self.directory, "install.sql").unlink(missing_ok=True)
