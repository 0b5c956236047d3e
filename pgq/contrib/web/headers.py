"""What every answer of the dashboard carries, and how its cookies are set."""

from __future__ import annotations

from typing import Final

from werkzeug.wrappers import Request, Response

# Nothing inline, nothing of others, and no page of others around ours.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

_ALWAYS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
_YEAR: Final = 365 * 86400


def secured(response: Response, *, is_static: bool = False) -> Response:
    """Set what every answer carries. Static files, whose paths have a hash, may be kept."""
    for name, value in _ALWAYS.items():
        response.headers[name] = value
    kept = f"public, max-age={_YEAR}, immutable"
    response.headers["Cache-Control"] = kept if is_static else "no-store"
    return response


def set_cookie(response: Response, request: Request, name: str, value: str) -> None:
    """Set a cookie for the pages alone, not for the application that they are mounted in."""
    response.set_cookie(
        f"pgq_{name}",
        value,
        max_age=_YEAR,
        path=request.root_path.rstrip("/") or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def cookie(request: Request, name: str) -> str | None:
    """Return such a cookie."""
    return request.cookies.get(f"pgq_{name}")
