"""Text from outside (names, failures, file names) as one line without surprises."""


def visible(text: str) -> str:
    """Return ``text`` with every space a blank and every unseen character as its code point.

    Control, zero-width and direction-changing characters could otherwise move what stands beside
    them, in a terminal as well as in a comment.
    """
    return "".join(
        " " if character.isspace() else character if character.isprintable() else _code(character)
        for character in text
    )


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}"
