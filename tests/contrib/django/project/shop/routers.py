from typing import Any


class NoQueue:
    """Keeps the queue out of every database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "pgq" else None
