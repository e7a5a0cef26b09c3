"""What can be measured, and the child process it runs in."""

from perfkit.targets.child import run_child
from perfkit.targets.spec import Target, TargetKind, parse_target

__all__ = ["Target", "TargetKind", "parse_target", "run_child"]
