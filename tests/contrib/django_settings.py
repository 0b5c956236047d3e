"""Django's settings, which a process can have but once, for all tests here that need any."""

from __future__ import annotations

import django
from django.conf import settings
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

BACKEND = "pgq.contrib.django.PgqBackend"
APPS = ["pgq.contrib.django", "tests.contrib.django.shop"]
ADMIN = ["admin", "auth", "contenttypes", "messages", "sessions", "staticfiles"]


def configure() -> None:
    """Set Django up, once; what a test wants otherwise it overrides."""
    if settings.configured:
        return
    backport = [] if django.VERSION >= (6, 0) else ["django_tasks"]
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="x" * 50,
        USE_TZ=True,
        TIME_ZONE="Europe/Berlin",
        INSTALLED_APPS=[*(f"django.contrib.{each}" for each in ADMIN), *backport, *APPS],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        ROOT_URLCONF="tests.contrib.django.urls",
        STATIC_URL="static/",
        DATABASES={"default": database_of("")},
        TASKS={"default": {"BACKEND": BACKEND, "QUEUES": []}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def database_of(dsn: str) -> dict[str, object]:
    """Return a database of DATABASES."""
    found = conninfo_to_dict(dsn)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found.get("dbname", ""),
        "USER": found.get("user", ""),
        "PASSWORD": found.get("password", ""),
        "HOST": found.get("host", ""),
        "PORT": str(found.get("port", "")),
    }


def point_to(dsn: str, alias: str = "default") -> None:
    """Let all connections of an alias lead to a database from now on."""
    connections[alias].close()
    connections.settings[alias].update(database_of(dsn))
