"""Write a measured part of docs/runtime.md, between ``<!-- measured: WHAT -->`` and its end."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runtime.md"


def written(what: str, text: str) -> None:
    """Put ``text`` in place of the part ``what``; SystemExit where the page has no such part."""
    part = re.compile(f"(<!-- measured: {what} -->\n).*?(<!-- end -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    if not part.search(page):
        raise SystemExit(f"{PAGE.name} has no part that is measured: {what}")
    PAGE.write_text(part.sub(lambda found: found[1] + text + found[2], page), encoding="utf-8")
