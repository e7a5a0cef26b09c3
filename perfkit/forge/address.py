"""Addresses of a forge's API: which host they are on, and where a list goes on."""

import re
from urllib.parse import urljoin, urlsplit

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PARAMETER = re.compile(
    r"""\s*;\s*([^\s=;,"'<>]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"'<>]*))?"""
)
"""``; name=value``, with the quotes of the value."""

LINK = re.compile(rf"<(?P<place>[^<>]*)>(?P<parameters>(?:{PARAMETER.pattern})*)")

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
    """Return what a Link header (RFC 8288) names as the next page; None where there is none.

    Names are read in any case, a link may have several relations, and of several ``rel`` the first
    counts, all as sections 3 and 3.3 say. Single quotes are none of the RFC's, but are sent.
    """
    for link in LINK.finditer(header):
        for name, value in PARAMETER.findall(link["parameters"]):
            if name.lower() == "rel":
                if "next" in value.strip("\"'").lower().split():
                    return link["place"]
                break
    return None
