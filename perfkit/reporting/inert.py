"""Text from outside within Markdown: it is neither markup nor a mention, whatever it says."""

import re

from perfkit.reporting.visible import shortened, visible

LONGEST_NAME = 300
"""Characters of a name that are shown; no real one is longer."""

LONGEST_SENTENCE = 600
"""Characters of a sentence that may quote what a failed process said."""

_SEPARATOR = "\u200b"
_IN_CODE = {ord(character): f"&#{ord(character)};" for character in "&<>|`*_~[]()!@#:\\\"'$"}
_IN_WORDS = {ord(character): f"&#{ord(character)};" for character in f"&<>|`*_~[]@#$\\{_SEPARATOR}"}

# Forges look for these in the finished text, where an entity is the character again, and only code
# is left alone: mentions, references, emoji, addresses. A separator after the sign takes the
# meaning away.
_REFERENCE = re.compile(
    r"[@#!~%&$^](?=[\w\"])|:(?=//)|:(?=[\w+-]+:)|(?<=GH)-(?=\d)|\[(?=\w+:)", re.IGNORECASE
)
_HOST = re.compile(r"(?<=www)\.(?=\S)", re.IGNORECASE)


def inert(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as HTML code in which nothing is markup, a mention or a reference."""
    return f"<code>{shortened(visible(text), longest).translate(_IN_CODE)}</code>"


def inert_sentence(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """Return a sentence that may quote outside names, with nothing in it that a forge acts on."""
    said = shortened(visible(text), longest)
    said = _HOST.sub(f"{_SEPARATOR}.", _REFERENCE.sub(rf"\g<0>{_SEPARATOR}", said))
    return said.translate(_IN_WORDS)
