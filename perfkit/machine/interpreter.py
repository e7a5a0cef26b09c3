"""What the running Python says about how it was built."""

import hashlib
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterFacts:
    """One interpreter.

    ``optimisation`` is the compiler's level, such as ``-O3``, None where the build does not tell.
    ``profile_guided`` is True where the build says so; a build that does not say may still be.
    ``jit`` is whether the JIT compiler is switched on. ``dev_mode`` is ``-X dev``.
    """

    version: str
    implementation: str
    compiler: str
    debug: bool
    optimisation: str | None
    profile_guided: bool
    jit: bool
    free_threaded: bool
    dev_mode: bool

    def __str__(self) -> str:
        """Return the build in words: equal builds, equal words."""
        words = [self.implementation, self.compiler, self.optimisation]
        words += [
            word
            for word, holds in (
                ("profile-guided", self.profile_guided),
                ("debug", self.debug),
                ("JIT", self.jit),
                ("free-threaded", self.free_threaded),
                ("dev mode", self.dev_mode),
            )
            if holds
        ]
        return f"{self.version} ({', '.join(word for word in words if word)})"


def read_interpreter() -> InterpreterFacts:
    """Read the interpreter that runs this."""
    flags = str(sysconfig.get_config_var("PY_CORE_CFLAGS") or "")
    levels = re.findall(r"(?:^|\s)(-O\w*)", flags)
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return InterpreterFacts(
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        compiler=platform.python_compiler(),
        debug=bool(sysconfig.get_config_var("Py_DEBUG")),
        # The last one given is the one that counts, as compilers read them.
        optimisation=levels[-1] if levels else None,
        profile_guided="--enable-optimizations" in arguments or "-fprofile-use" in flags,
        jit=_jit_enabled(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        dev_mode=sys.flags.dev_mode,
    )


def _jit_enabled() -> bool:
    """``sys._jit`` exists from Python 3.14 on (PEP 744)."""
    jit = getattr(sys, "_jit", None)
    return jit is not None and bool(jit.is_enabled())


def installed_packages() -> frozenset[tuple[str, str]]:
    """Name and version of every distribution that this interpreter can import."""
    return frozenset(
        (str(distribution.metadata["Name"]), distribution.version)
        for distribution in distributions()
    )


def packages_digest(packages: Iterable[tuple[str, str]]) -> str:
    """SHA-256 (hexadecimal) over the sorted lines ``name==version``, names as PEP 503 has them."""
    lines = sorted(
        f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, version in packages
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
