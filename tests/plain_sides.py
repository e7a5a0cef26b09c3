"""Sides of a comparison that are never run: the suite of a folder without any benchmark."""

from pathlib import Path

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import Suite
from perfkit.model import Revision


def suite_of(folder: Path) -> Suite:
    return Suite(
        config=folder / "asv.conf.json",
        project="p",
        subdirectory="",
        benchmarks=folder,
        results=folder,
        default_timeout=1.0,
    )


def side_of(folder: Path) -> Side:
    return Side(
        revision=Revision(label="HEAD", commit="0" * 40),
        suite=suite_of(folder),
        interpreter=Interpreter(site=folder / "site"),
        requirements=(),
    )
