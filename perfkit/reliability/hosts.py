"""Whom a load may be sent to without asking: this machine and private test networks."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

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
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            f"{url}: wanted an address such as http://127.0.0.1:8000/path, with http or https"
        )
    if owned:
        return
    try:
        addresses = resolve(parts.hostname)
    except OSError as error:
        raise UsageError(f"{url}: host {parts.hostname} is unknown: {error}") from None
    for address in addresses:
        if not any(ipaddress.ip_address(address) in network for network in PRIVATE):
            raise UsageError(
                f"{url}: {address} is neither this machine nor a private network; load is sent "
                "only to hosts that are yours: say so with --i-own-this-host"
            )
