"""The asv suite of the shop."""
