"""How long an answer about a rate limit asks to wait: a pure function of it and of the time.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and, with other
names of the headers, https://docs.gitlab.com/security/rate_limits.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from perfkit.forge.answer import Answer

WITHOUT_HEADERS_SECONDS = 60.0
"""Least wait for a rate limit that names no time: GitHub's "wait for at least one minute"."""

NOT_PERMITTED = "not accessible"
"""In GitHub's words for a missing permission, which no waiting brings: "Resource not accessible by
integration" (or "by personal access token")."""

MOST_DIGITS = 12
"""Of a number of seconds: 30,000 years. More is a mistake, or milliseconds."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAY_WAIT = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}


def asked_pause(answer: Answer, now: float) -> float | None:
    """Return the seconds to wait where ``answer`` is about a rate limit, else None.

    ``now`` is in seconds since 1970. A header that cannot be read, or means no time that could be,
    counts as one that names no time.
    """
    headers = answer.headers
    limited = "retry-after" in headers and answer.status in MAY_WAIT
    if limited and (seconds := _until(headers["retry-after"], now)) is not None:
        return seconds
    words = answer.message.lower()
    if answer.status not in MAY_WAIT or (NOT_PERMITTED in words and not limited):
        return None
    for prefix in ("x-ratelimit-", "ratelimit-"):
        reset = _number(headers.get(f"{prefix}reset", ""))
        if headers.get(f"{prefix}remaining") == "0" and reset is not None:
            return max(reset - now, 0.0) + 1.0  # the header is whole seconds
    named = "rate limit" in words or "abuse" in words
    if limited or answer.status == HTTPStatus.TOO_MANY_REQUESTS or named:
        return WITHOUT_HEADERS_SECONDS
    return None


def _until(after: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header means: a number of them, or a date."""
    if (seconds := _number(after)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(after)
    except (ValueError, OverflowError):  # the latter for a year or a zone beyond all calendars
        return None
    known = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return max((known - EPOCH).total_seconds() - now, 0.0)


def _number(text: str) -> float | None:
    """Return a number of seconds, None for what is none."""
    digits = text.strip()
    plain = digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS
    return float(digits) if plain else None
