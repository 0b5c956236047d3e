"""pgq in a Django project: an app for INSTALLED_APPS, and a backend for TASKS."""
