"""The URLs of the app: `path("pgq/", include("pgq.contrib.django.urls"))`.

`stats.json`, `metrics` and `health` want a token, `healthz` and `readyz` nothing, and `dashboard/`
the login of Django's staff. `views` has the settings.
"""

from __future__ import annotations

from django.urls import path, re_path

from pgq.contrib.django import views

app_name = "pgq"

urlpatterns = [
    path("", views.to_dashboard, name="index"),
    path("stats.json", views.stats, name="stats"),
    path("metrics", views.metrics, name="metrics"),
    path("health", views.health, name="health"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    re_path(
        r"^backends/(?P<backend>[^/]+)/dashboard/(?P<path>(?s:.*))$",
        views.dashboard,
        name="backend_dashboard",
    ),
    re_path(r"^dashboard/(?P<path>(?s:.*))$", views.dashboard, name="dashboard"),
]
