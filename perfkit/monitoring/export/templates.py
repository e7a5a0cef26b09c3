"""Text for tools that read Go's templates."""


def literal(text: str) -> str:
    """Return text that a template leaves as it is.

    >>> literal("{{ x }}")
    '{{ "{{" }} x }}'
    """
    return text.replace("{{", '{{ "{{" }}')
