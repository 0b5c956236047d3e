"""Take the pictures of Django's admin: python -m tests.proof.screenshots_admin [--minutes N].

The shop of `pgq demo --live` runs for some minutes, and its database gets Django's tables. The
pages are taken in Chromium, in light and dark. Needs a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from werkzeug.serving import make_server

from tests.contrib.django_settings import configure, point_to
from tests.proof.measure_admin import log_in
from tests.proof.screenshots import NAMES, SCHEMES, WIDE, shop, take

PAGES: Final = {
    "django-admin": "/admin/pgq/",
    "django-admin-jobs": "/admin/pgq/job/?state=failed",
}


@contextmanager
def served() -> Generator[str, None, None]:
    """Serve the admin while the block runs."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    handler: Any = StaticFilesHandler(get_wsgi_application())
    server = make_server("127.0.0.1", 0, handler, threaded=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--minutes", type=float, default=3)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found is not None, "there is no Chromium on this machine"
    configure()
    with shop() as dsn:
        time.sleep(given.minutes * 60)
        point_to(dsn)
        session = log_in().cookies["sessionid"].value
        with served() as url, sync_playwright() as running:
            browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
            cookie = {"name": "sessionid", "value": session, "url": url}
            for name, address in PAGES.items():
                for scheme in SCHEMES if name == "django-admin" else SCHEMES[:1]:
                    take(browser, url + address, name, scheme, WIDE, cookie)
            browser.close()


if __name__ == "__main__":
    main()
