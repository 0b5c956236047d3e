"""By which name the dashboard is asked, and through which proxies.

A page of somebody else's can give its own name the address of this machine, and then its scripts
read what is answered here (DNS rebinding). They cannot change the name that the browser sends, so
only names that are known are answered. An address as the name is safe: it leads nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Request

from pgq.errors import InvalidArgument

Network = IPv4Network | IPv6Network
Environ = dict[str, Any]
# What urllib reads is more than what a browser sends.
_HOST: Final = re.compile(
    r"(?:\[(?P<address>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# Where the address stands that the connection came from, whatever a proxy says of it.
_SENDER: Final = "pgq.sender"
# What proxies add.
_FORWARDED: Final = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


def is_loopback(address: str) -> bool:
    """Return whether an address, or `localhost`, is this machine's own."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address.lower().removesuffix(".") == "localhost"
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def sender(request: Request) -> str | None:
    """Return the address that the connection came from; None: a Unix socket, or not known."""
    found: str | None = request.environ.get(_SENDER) or request.environ.get("REMOTE_ADDR")
    return found or None


def forwarded(request: Request) -> bool:
    """Return whether a proxy has passed it on, as far as that can be seen.

    nginx adds no header unless it is told to, but speaks HTTP/1.0, which no browser does.
    """
    return request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0" or any(
        name in request.environ for name in _FORWARDED
    )


def named_host(request: Request) -> str | None:
    """Return the name or address in the Host header, without the port; None: it has none."""
    return _parsed(request.environ.get("HTTP_HOST", ""))


def _parsed(given: str) -> str | None:
    found = _HOST.fullmatch(given)
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        return None
    if found["address"] is not None:
        return found["address"].lower() if _is_address(found["address"]) else None
    return found["name"].lower().removesuffix(".") or None


def check_host(request: Request, names: Iterable[str] | None) -> None:
    """Raise BadRequest where a request is not for one of these names.

    Addresses and localhost are always right. None: any name is.
    """
    host = named_host(request)
    if host is None:
        raise BadRequest("The Host header is missing, or no name.")
    if names is None or host == "localhost" or _is_address(host):
        return
    if host not in {each.lower().removesuffix(".") for each in names}:
        raise BadRequest("These pages are not for this host name; see --host-name.")


def host_names(given: Iterable[str]) -> tuple[str, ...]:
    """Return names for `check_host`, of which each must be one."""
    names = tuple(given)
    for each in names:
        if _parsed(each) != each.lower().removesuffix("."):
            raise InvalidArgument(f"{each!r} is no host name", "Name it without a port.")
    return names


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def check_open(address: str, *, is_guarded: bool) -> None:
    """Raise InvalidArgument where a server would listen for others without asking who they are."""
    if is_guarded or is_loopback(address):
        return
    raise InvalidArgument(
        f"{address} can be reached from other machines, and nothing says who may ask",
        "Pass --token or --behind-proxy-user, set PGQ_WEB_PASSWORD, or listen on 127.0.0.1.",
    )


def networks(given: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of addresses such as 10.0.0.0/8 or 127.0.0.1."""

    def read() -> Iterator[Network]:
        for each in given:
            try:
                yield ip_network(each.strip())
            except ValueError as error:
                hint = "As in 10.1.2.3 or 10.0.0.0/8."
                raise InvalidArgument(f"{each!r} is no network: {error}", hint) from None

    return tuple(read())


def comes_from(peer: str | None, among: Iterable[Network]) -> bool:
    """Return whether an address is in one of these networks."""
    try:
        address = ip_address((peer or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in among)


class BehindProxies:
    """A WSGI application that believes what these proxies say of who asked them, and for what.

    What others say of that is removed, so nothing behind it can believe them.
    """

    def __init__(self, application: Wsgi, proxies: Iterable[Network]) -> None:
        self._application = application
        self._proxies = tuple(proxies)
        # werkzeug's takes what the last proxy has added, and no more.
        self._believing = ProxyFix(application, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        peer = environ.get("REMOTE_ADDR", "")
        environ[_SENDER] = peer
        if comes_from(peer, self._proxies):
            return self._believing(environ, start_response)
        for name in _FORWARDED:
            # Left as a sign that there is a proxy, without what it says.
            if name in environ:
                environ[name] = ""
        return self._application(environ, start_response)
