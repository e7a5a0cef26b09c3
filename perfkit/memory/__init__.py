"""What keeps memory: capture with memray, growth per call site, leak decision."""

from perfkit.memory.check import check_leaks

__all__ = ["check_leaks"]
