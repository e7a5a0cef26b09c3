"""What a forge's server answered, and the two ways in which it did not do what was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from perfkit.errors import PostingError


class UnansweredError(PostingError):
    """Whether the request was carried out is not known, or it was put off by a rate limit."""


class RefusedError(PostingError):
    """The forge said no with ``status``; ``said`` are its own words, in one harmless line."""

    def __init__(self, sentence: str, *, status: int, said: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.said = said


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``headers`` with lower-case names, ``body`` as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """The words in an error body: its ``message`` (or ``error``), empty where it has none.

        https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api, and for the
        lists and objects that GitLab puts there https://docs.gitlab.com/api/rest/troubleshooting.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        if not isinstance(value, dict):
            return ""
        found = value.get("message") or value.get("error") or ""
        return found if isinstance(found, str) else json.dumps(found)
