"""The parts of a program that are watched one by one."""

from perfkit.config.fields import Text
from perfkit.config.section import Section


class Component(Section):
    """A part of the program with telemetry, alerts and a row in dashboards of its own."""

    name: Text
    """The component that the program names in perfkit.runtime; unique."""
    why: str = ""
    """What it does, shown in dashboards."""
