"""Text from outside (names, failures, file names) as one line without surprises."""

import re

WORKFLOW_COMMAND = re.compile(
    r"::(?=(?:error|warning|notice|debug|group|endgroup|add-mask|add-matcher|remove-matcher"
    r"|add-path|set-env|set-output|save-state|stop-commands|echo|internal-set-repo-path)\b)"
    r"|##(?=\[)",
    re.IGNORECASE,
)
"""What a GitHub runner obeys where a line of a log starts with it; the second form anywhere.

Source: ActionCommand.cs of github.com/actions/runner.
"""

ELLIPSIS = "…"


def visible(text: str) -> str:
    """Return ``text`` with every space a blank and every unseen character as its code point.

    Control, zero-width and direction-changing characters could otherwise move what stands beside
    them, in a terminal as well as in a comment. A command to a GitHub runner loses its first
    character in the same way, as folding may put it at the start of a line.
    """
    shown = "".join(
        " " if character.isspace() else character if character.isprintable() else _code(character)
        for character in text
    )
    return WORKFLOW_COMMAND.sub(lambda found: _code(found[0][0]) + found[0][1:], shown)


def shortened(text: str, longest: int) -> str:
    """Return ``text`` with its middle left out where it is longer than ``longest`` characters."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 1]}{ELLIPSIS}{text[-end:]}"


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
