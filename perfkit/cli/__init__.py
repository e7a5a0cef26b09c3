"""One module per verb: parse options, call one function, render the value, return the code.

A verb is a function whose first parameter is the typer context. It takes the
:class:`~perfkit.cli.invocation.Invocation` with :func:`~perfkit.cli.options.invocation_of`, calls
one function of the verb's folder, and ends with ``return invocation.finish(code, text=...,
values=...)``. It raises :class:`~perfkit.errors.PerfkitError` and prints nothing itself; progress
goes to ``invocation.console(stderr=True)``. ``perfkit/cli/app.py`` registers it.
"""
