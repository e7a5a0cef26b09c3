"""Whom a load may be sent to without asking: this machine and private test networks."""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urljoin, urlsplit

from perfkit.errors import UsageError

PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "::1/128"),
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
            *("fc00::/7", "169.254.0.0/16", "fe80::/10"),  # RFC 4193, RFC 3927, RFC 4291
        ),
    )
)
"""This machine, private networks and links. ``is_private`` of ipaddress holds more than these."""

ODD = re.compile(r"[\x00-\x20\x7f\\]")
"""What programs read differently in an address: blanks, control characters, backslashes."""

HTTP = frozenset({"http", "https"})

Resolve = Callable[[str], Sequence[str]]
"""A host name to its addresses; raises OSError."""


def resolve(host: str) -> list[str]:
    """Return every address of ``host``."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None)})


def check_address(url: str, *, owned: bool, resolve: Resolve) -> None:
    """Refuse a URL whose host is neither loopback nor private, unless the user says it is theirs.

    Every address of a name has to be one of them.

    Raises:
        UsageError: it is no http or https URL, its host is unknown, or it is somebody's.
    """
    parts = _parts(url)
    if owned:
        return
    try:
        addresses = resolve(parts.hostname or "")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{url}: host {parts.hostname} is unknown: {error}") from None
    for address in addresses:
        if not any(ipaddress.ip_address(address) in network for network in PRIVATE):
            raise UsageError(
                f"{url}: {address} is neither this machine nor a private network; load is sent "
                "only to hosts that are yours: say so with --i-own-this-host"
            )


def joined(target: str, path: str) -> str:
    """Return the address of ``path`` on the host of ``target``; that of ``target`` without one.

    Raises UsageError where it would be another host than the one that was checked.
    """
    wanted, url = _parts(target), target
    try:
        if path:
            url = urljoin(target, path)
        found = urlsplit(url)
        here = (found.scheme, found.netloc) == (wanted.scheme, wanted.netloc)
    except ValueError:
        here = False
    if not here or ODD.search(path):
        raise UsageError(f"{path!r}: wanted a path on the host of {target}")
    return url


def _parts(url: str) -> SplitResult:
    """Return an http(s) address, taken apart. UsageError where it is none."""
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        if parts.scheme in HTTP and parts.hostname and parts.port != 0 and not ODD.search(url):
            return parts
    except ValueError:
        pass  # said below
    raise UsageError(
        f"{url}: wanted an address such as http://127.0.0.1:8000/path, with http or https"
    )
