"""Addresses of a forge's API: which host they are on, and where a list goes on."""

import re
from urllib.parse import urljoin, urlsplit

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
DEFAULT_PORT = {"https": 443, "http": 80}


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an http(s) address; ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORT or not parts.hostname:
        message = "no http address"
        raise ValueError(message)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORT[parts.scheme]


def reached_from(url: str, place: str) -> tuple[str, str]:
    """Return the whole address of ``place``, seen from ``url``, and its origin in words.

    The address is empty where it is no http address.
    """
    try:
        whole = urljoin(url, place)
        scheme, host, port = origin_of(whole)
    except ValueError:
        return "", "no http address"
    return whole, f"{scheme}://{host}:{port}"


def next_link(header: str) -> str | None:
    """Return what a Link header (RFC 8288) names as the next page; None where there is none."""
    found = re.search(r'<([^<>]*)>\s*;[^<>]*?\brel="?next\b', header)
    return None if found is None else str(found[1])
