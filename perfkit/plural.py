"""A number and its noun, as people write them."""


def plural(number: int, noun: str) -> str:
    """Return ``number`` with its noun, in the plural unless it is one.

    >>> plural(1, "file"), plural(0, "commit"), plural(1200, "process")
    ('1 file', '0 commits', '1,200 processes')
    """
    if number == 1:
        return f"{number} {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"
