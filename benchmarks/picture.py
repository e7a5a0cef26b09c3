"""Draw the picture of the README: `python benchmarks/picture.py`.

Writes `docs/picture.svg`, a terminal showing the report in `docs/example/report.json`. That report
is what `perfkit check --output` wrote on the reference workload with two planted regressions:
`list_scan.patch` and `cue_kept.patch` of `benchmarks/workload/planted`, committed on top of main;
only the names of the machine and of its folders were taken out.
"""

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT  # the template has no public name
from rich.console import Console
from rich.terminal_theme import MONOKAI

from perfkit.reporting.document import from_text
from perfkit.reporting.terminal import report_text

DOCS = Path(__file__).resolve().parents[1] / "docs"
COLUMNS = 132


def recorded() -> Console:
    """Return a console that has printed the report."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False
    )
    stored = DOCS / "example" / "report.json"
    console.print(report_text(from_text(stored.read_text(encoding="utf-8"), stored.name)))
    return console


def main() -> None:
    """Write the picture."""
    # rich's template loads a font from elsewhere; a picture must not ask anybody for anything.
    offline = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    # The theme's magenta and yellow are told apart on its dark ground.
    svg = recorded().export_svg(
        title="$ perfkit check", theme=MONOKAI, unique_id="perfkit", code_format=offline
    )
    (DOCS / "picture.svg").write_text(svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
