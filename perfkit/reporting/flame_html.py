"""Flame graphs as pages of one file that load nothing from elsewhere."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from perfkit.model import CallNode, Profile
from perfkit.reporting.profile_text import profiled_words
from perfkit.reporting.visible import visible

MOST_ROWS = 50
"""Functions in the table of a page; the graph has all."""


def flame_html(profile: Profile, nodes: Sequence[CallNode]) -> str:
    """Return the page of a profile: the flame graph of ``nodes``, and its hotspots.

    ``nodes`` are the whole call tree.
    """
    whole = sum(node.seconds for node in nodes if not node.depth)
    values = {
        "target": visible(profile.target),
        "method": profiled_words(profile),
        "notes": [visible(warning) for warning in profile.warnings],
        "rows": [
            {
                "function": visible(hot.function.name),
                "place": visible(hot.place),
                "self": hot.self_share,
                "band": hot.self_band,
                "total": hot.total_share,
                "samples": hot.samples,
            }
            for hot in profile.hotspots[:MOST_ROWS]
            if hot.samples
        ],
        "nodes": [
            [0, "all calls", "", whole, profile.samples, False],
            *(
                [
                    node.depth + 1,
                    visible(node.function.name),
                    visible(node.place),
                    node.seconds,
                    node.samples,
                    node.own,
                ]
                for node in nodes
            ),
        ],
    }
    return flame_page("flame.html", values)


def flame_page(template: str, values: Mapping[str, Any]) -> str:
    """Return a page of :mod:`perfkit.reporting.templates` around ``values``."""
    folder = files("perfkit.reporting") / "templates"
    page, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in (template, "flame.css", "flame.js")
    )
    # In a script element only "<" could end the data.
    data = json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return page.replace("@STYLE@", style).replace("@SCRIPT@", script).replace("@DATA@", data)
