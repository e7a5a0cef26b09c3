"""Write a measured part of docs/runtime.md, between ``<!-- measured: WHAT -->`` and its end."""

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runtime.md"


def written(what: str, text: str) -> None:
    """Put ``text`` in place of the part ``what``; SystemExit where the page has no such part."""
    part = re.compile(f"(<!-- measured: {what} -->\n).*?(<!-- end -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    if not part.search(page):
        raise SystemExit(f"{PAGE.name} has no part that is measured: {what}")
    PAGE.write_text(part.sub(lambda found: found[1] + text + found[2], page), encoding="utf-8")


def judged(required: Mapping[str, bool]) -> str:
    """Return a line for each requirement that says whether it is met."""
    return "".join(
        f"- Required: {wanted}, {'met' if met else 'NOT met'}.\n"
        for wanted, met in required.items()
    )


def reported(what: str, text: str, required: Mapping[str, bool], *, write: bool) -> int:
    """Print what was measured and write it where asked; return 1 where a requirement is not met."""
    whole = f"{text}\n{judged(required)}"
    print(whole)
    if write:
        written(what, whole)
    return 0 if all(required.values()) else 1
