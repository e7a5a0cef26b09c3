"""Performance measurement and regression gates for Python.

The command line is the product; see ``perfkit --help``. The functions behind the verbs are
importable from the folder of the same purpose, for example :func:`perfkit.stats.compare_samples`.
"""

__version__ = "0.1.0"
