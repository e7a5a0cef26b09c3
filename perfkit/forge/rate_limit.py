"""How long an answer about a rate limit asks to wait: a pure function of it and of the time.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and, with other
names of the headers, https://docs.gitlab.com/security/rate_limits.
"""

from email.utils import parsedate_to_datetime
from http import HTTPStatus

from perfkit.forge.answer import Answer

WITHOUT_HEADERS_SECONDS = 60.0
"""Least wait for a rate limit that names no time: GitHub's "wait for at least one minute"."""

NOT_PERMITTED = "not accessible"
"""In GitHub's words for a missing permission, which no waiting brings: "Resource not accessible by
integration" (or "by personal access token")."""

MAY_WAIT = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}


def asked_pause(answer: Answer, now: float) -> float | None:
    """Return the seconds to wait where ``answer`` is about a rate limit, else None.

    ``now`` is in seconds since 1970.
    """
    headers = answer.headers
    if "retry-after" in headers and answer.status in MAY_WAIT:
        return _until(headers["retry-after"], now)
    words = answer.message.lower()
    if answer.status not in MAY_WAIT or NOT_PERMITTED in words:
        return None
    for prefix in ("x-ratelimit-", "ratelimit-"):
        reset = headers.get(f"{prefix}reset", "")
        if headers.get(f"{prefix}remaining") == "0" and reset.isdecimal():
            return max(int(reset) - now, 0.0) + 1.0  # the header is whole seconds
    named = "rate limit" in words or "abuse" in words
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or named:
        return WITHOUT_HEADERS_SECONDS
    return None


def _until(after: str, now: float) -> float:
    """Return the seconds that a Retry-After header means: a number of them, or a date."""
    if after.strip().isdecimal():
        return float(after)
    try:
        return max(parsedate_to_datetime(after).timestamp() - now, 0.0)
    except ValueError:
        return WITHOUT_HEADERS_SECONDS
