"""Draw the pictures of the README and the pages, and see that the page fits: `make pictures`.

Writes `docs/picture.svg`, a terminal showing the report in `docs/example/report.json`, and, where a
Chromium is found, `docs/report.png` and `docs/report-dark.png`, the page of the same report. That
report is what `perfkit check --output` wrote on the reference workload with two planted
regressions: `list_scan.patch` and `cue_kept.patch` of `benchmarks/workload/planted`, committed on
top of main; only the names of the machine, of its folders and of the commits were taken out.

`docs/monitor.svg` and `docs/monitor.png` show `docs/example/dashboard.json`, which is what
`perfkit monitor --json` wrote about a small program whose dependencies failed for half a minute.
"""

import html
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter
from rich._export_format import CONSOLE_SVG_FORMAT  # the template has no public name
from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

from perfkit.model import Report
from perfkit.model.dashboard import Dashboard
from perfkit.reporting.dashboard_html import dashboard_html
from perfkit.reporting.dashboard_text import dashboard_text
from perfkit.reporting.document import from_text
from perfkit.reporting.report_html import report_html
from perfkit.reporting.terminal import report_text

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from browser import CHROMIUM, NAMES, QUIET  # noqa: E402 - found on the path above

DOCS = ROOT / "docs"
COLUMNS = 132
PAGE = (1280, 860)
"""Pixels of a picture of the page: its first screen."""

WIDTHS = (1000, 400)
"""Pixels in which the page has to fit without scrolling sideways."""

LARGEST = 200 * 1024
"""Bytes of a picture, so that a README loads fast."""

SECONDS = 120.0
"""Time for one screenshot, of which a loaded machine takes a tenth."""


def stored() -> Report:
    """Return the report that all pictures show."""
    file = DOCS / "example" / "report.json"
    return from_text(file.read_text(encoding="utf-8"), file.name)


def watched() -> Dashboard:
    """Return the frame that the pictures of the dashboard show."""
    document = json.loads((DOCS / "example" / "dashboard.json").read_text(encoding="utf-8"))
    values = {key: document[key] for key in Dashboard.__dataclass_fields__}
    return TypeAdapter(Dashboard).validate_python(values)


def terminals() -> dict[str, tuple[str, RenderableType]]:
    """Return what the pictures of terminals show: file -> command, and what it prints."""
    return {
        "picture.svg": ("$ perfkit check", report_text(stored())),
        "monitor.svg": ("$ perfkit monitor", dashboard_text(watched(), columns=COLUMNS)),
    }


def recorded(shown: RenderableType) -> Console:
    """Return a console that has printed ``shown``."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False
    )
    console.print(shown)
    return console


def main() -> int:
    """Write the pictures; return 1 where the page could not be drawn or a picture is too large."""
    # rich's template loads a font from elsewhere; a picture must not ask anybody for anything.
    offline = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    drawn = []
    for name, (command, printed) in terminals().items():
        # The theme's magenta and yellow are told apart on its dark ground.
        svg = recorded(printed).export_svg(
            title=command, theme=MONOKAI, unique_id="perfkit", code_format=offline
        )
        drawn.append(DOCS / name)
        drawn[-1].write_text(svg + "\n", encoding="utf-8")
    if CHROMIUM is None:
        print(f"no {', '.join(NAMES)} on PATH: the pictures of the page stay as they are")
        return 1
    with TemporaryDirectory(prefix="perfkit-picture-") as folder:
        page = Path(folder, "report.html")
        page.write_text(report_html(stored()), encoding="utf-8")
        for name, scheme in (("report.png", 1), ("report-dark.png", 0)):
            screenshot(CHROMIUM, page, DOCS / name, scheme)
            drawn.append(DOCS / name)
        board = Path(folder, "dashboard.html")
        board.write_text(dashboard_html(watched()), encoding="utf-8")
        screenshot(CHROMIUM, board, DOCS / "monitor.png", 1)
        drawn.append(DOCS / "monitor.png")
        fits = [fitting(CHROMIUM, one, width) for one in (page, board) for width in WIDTHS]
    for picture in drawn:
        size = picture.stat().st_size
        print(f"{picture.relative_to(DOCS.parent)}: {size:,} bytes of {LARGEST:,}")
    small = all(picture.stat().st_size <= LARGEST for picture in drawn)
    return 0 if small and all(fits) else 1


def screenshot(browser: str, page: Path, picture: Path, scheme: int) -> None:
    """Let ``browser`` draw the first screen of ``page``; scheme 0 is dark, 1 is light."""
    asked = f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}"
    shown(browser, page, "--hide-scrollbars", *asked)


def fitting(browser: str, page: Path, width: int) -> bool:
    """Return, and print, whether ``page`` needs no scrolling sideways in so many pixels.

    A window of Chromium has a least width, so the page stands in a frame.
    """
    frame = page.with_name("frame.html")
    content = html.escape(page.read_text(encoding="utf-8"))
    frame.write_text(
        f'<!doctype html><title></title><iframe width="{width}" srcdoc="{content}"></iframe>'
        "<script>"
        "const frame = document.querySelector('iframe');"
        "frame.onload = () => { const page = frame.contentDocument.documentElement;"
        " document.title = `${page.scrollWidth} of ${page.clientWidth}`; }</script>",
        encoding="utf-8",
    )
    found = re.search(r"<title>(\d+) of (\d+)</title>", shown(browser, frame, "--dump-dom"))
    needed, there = (0, -1) if found is None else (int(found[1]), int(found[2]))
    print(f"{page.name} in a frame of {width} pixels: needs {needed} of {there}")
    return needed <= there


def shown(browser: str, page: Path, *options: str) -> str:
    """Open ``page`` in a browser of its own and return what that prints."""
    with TemporaryDirectory(prefix="perfkit-chromium-") as profile:
        return subprocess.run(
            [
                browser,
                *QUIET,
                f"--user-data-dir={profile}",
                f"--window-size={PAGE[0]},{PAGE[1]}",
                *options,
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=SECONDS,
            text=True,
        ).stdout


if __name__ == "__main__":
    sys.exit(main())
