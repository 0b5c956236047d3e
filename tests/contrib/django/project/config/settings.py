"""A project as people have them; the databases come from SHOP_DSN and SHOP_QUEUE_DSN.

SHOP_SETTINGS holds more settings as JSON, which go before these.
"""

import json
import os
from typing import Any

import django
from psycopg.conninfo import conninfo_to_dict


def database(dsn: str) -> dict[str, Any]:
    """Return an entry of DATABASES."""
    parts: dict[str, Any] = {**conninfo_to_dict(dsn)}
    known = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    entry = {key: str(parts.pop(name, "") or "") for key, name in known.items()}
    port = str(parts.pop("port", ""))
    return {"ENGINE": "django.db.backends.postgresql", **entry, "PORT": port, "OPTIONS": parts}


SECRET_KEY = "only for tests, and longer than fifty characters, as Django wants it"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    *([] if django.VERSION >= (6, 0) else ["django_tasks"]),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "pgq.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
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
]
STATIC_URL = "static/"

DATABASES = {"default": database(os.environ.get("SHOP_DSN", "dbname=shop"))}
TASKS: dict[str, Any] = {"default": {"BACKEND": "pgq.contrib.django.PgqBackend", "QUEUES": []}}
if "SHOP_QUEUE_DSN" in os.environ:
    DATABASES["queue"] = database(os.environ["SHOP_QUEUE_DSN"])
    DATABASE_ROUTERS = ["pgq.contrib.django.routers.PgqRouter"]
    TASKS["reports"] = {
        "BACKEND": "pgq.contrib.django.PgqBackend",
        "QUEUES": [],
        "OPTIONS": {"database_alias": "queue"},
    }

globals().update(json.loads(os.environ.get("SHOP_SETTINGS", "{}")))
