"""Write a measured part of a page, between ``<!-- measured: WHAT -->`` and its end."""

import re
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "runtime.md"


def written(what: str, text: str, page: Path = PAGE) -> None:
    """Put ``text`` in place of the part ``what``; SystemExit where the page has no such part."""
    part = re.compile(f"(<!-- measured: {what} -->\n).*?(<!-- end -->)", re.DOTALL)
    before = page.read_text(encoding="utf-8")
    if not part.search(before):
        raise SystemExit(f"{page.name} has no part that is measured: {what}")
    page.write_text(part.sub(lambda found: found[1] + text + found[2], before), encoding="utf-8")


def judged(required: Mapping[str, bool]) -> str:
    """Return a line for each requirement that says whether it is met."""
    return "".join(
        f"- Required: {wanted}, {'met' if met else 'NOT met'}.\n"
        for wanted, met in required.items()
    )


def reported(
    what: str, text: str, required: Mapping[str, bool], *, write: bool, page: Path = PAGE
) -> int:
    """Print what was measured and write it where asked; return 1 where a requirement is not met."""
    whole = f"{text}\n{judged(required)}"
    print(whole)
    if write:
        written(what, whole, page)
    return 0 if all(required.values()) else 1
