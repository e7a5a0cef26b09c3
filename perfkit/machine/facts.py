"""What the operating system says about itself: /proc and /sys on Linux, sysctl on macOS."""

import hashlib
import math
import os
import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfkit.machine.quota import cpu_quota

_NO_RANDOMIZE: Final = 0x0040000
"""ADDR_NO_RANDOMIZE of personality(2), which ``setarch -R`` and debuggers set."""
_SYSCTL_SECONDS: Final = 5.0
"""sysctl answers at once; a machine on which it does not must not stop a benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """One reading; None is what this system does not tell.

    ``cores`` are the logical processors that are online, ``usable_cores`` those this process may
    run on. ``governor`` joins the names of several by a comma. ``virtual`` says whether a
    hypervisor is below, ``hypervisor`` what it calls itself. ``aslr`` is whether address layout
    differs from process to process. ``quota_cores`` is infinite without a limit. ``load`` is the
    one-minute average. ``cpu_flags`` is a digest of the processor's features.
    """

    system: str
    kernel: str
    libc: str | None
    cpu: str | None
    cpu_flags: str | None
    cores: int
    usable_cores: int
    memory_bytes: int
    load: float | None
    governor: str | None
    turbo: bool | None
    virtual: bool | None
    hypervisor: str | None
    aslr: bool | None
    swap_used_bytes: int | None
    quota_cores: float | None


def read_machine() -> MachineFacts:
    """Read this machine."""
    system = platform.system()
    own = MacFacts(sysctl=run_sysctl) if system == "Darwin" else LinuxFacts(root=Path("/"))
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = None
    cores = os.sysconf("SC_NPROCESSORS_ONLN")
    return MachineFacts(
        system=system,
        kernel=platform.release(),
        libc=_libc(system),
        cpu=own.cpu(),
        cpu_flags=own.cpu_flags(),
        cores=cores,
        usable_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores,
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        load=load,
        governor=own.governor(),
        turbo=own.turbo(),
        virtual=own.virtual(),
        hypervisor=own.hypervisor(),
        aslr=own.aslr(),
        swap_used_bytes=own.swap_used_bytes(),
        quota_cores=own.quota_cores(),
    )


@dataclass(frozen=True, slots=True)
class LinuxFacts:
    """The facts that Linux keeps in files below ``root``."""

    root: Path

    def cpu(self) -> str | None:
        """The model name; on ARM, where Linux has none, the implementer and part numbers."""
        info = self._cpuinfo()
        if name := info.get("model name"):
            return name
        if "CPU implementer" in info and "CPU part" in info:
            return f"ARM implementer {info['CPU implementer']} part {info['CPU part']}"
        return None

    def cpu_flags(self) -> str | None:
        """A digest of the features, which x86 lists as flags and ARM as Features."""
        info = self._cpuinfo()
        return _digest(info.get("flags") or info.get("Features"))

    def governor(self) -> str | None:
        """The cpufreq governors in use."""
        files = self.root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
        names = {text for file in files if (text := _text(file))}
        return ", ".join(sorted(names)) or None

    def turbo(self) -> bool | None:
        """Whether the clock may rise above its nominal rate."""
        if no_turbo := self._read("sys/devices/system/cpu/intel_pstate/no_turbo"):
            return no_turbo == "0"
        if boost := self._read("sys/devices/system/cpu/cpufreq/boost"):
            return boost == "1"
        return None

    def virtual(self) -> bool | None:
        """The hypervisor bit of CPUID on x86, or a hypervisor's own files elsewhere."""
        if self.hypervisor() is not None:
            return True
        flags = self._cpuinfo().get("flags")
        return None if flags is None else "hypervisor" in flags.split()

    def hypervisor(self) -> str | None:
        """The name in /sys/hypervisor, or a DMI vendor known to be virtual."""
        if kind := self._read("sys/hypervisor/type"):
            return kind
        vendor = self._read("sys/class/dmi/id/sys_vendor") or ""
        product = self._read("sys/class/dmi/id/product_name") or ""
        named = re.search(
            r"QEMU|KVM|VMware|VirtualBox|Xen|Parallels|Firecracker|Virtual Machine"
            r"|Google Compute Engine|OpenStack|Hetzner|DigitalOcean",
            f"{vendor} {product}",
        )
        return named.group() if named else None

    def aslr(self) -> bool | None:
        """The system's setting, unless this process was started without (``setarch -R``)."""
        setting = self._read("proc/sys/kernel/randomize_va_space")
        if setting is None:
            return None
        personality = self._read("proc/self/personality")
        return setting != "0" and not int(personality or "0", 16) & _NO_RANDOMIZE

    def swap_used_bytes(self) -> int | None:
        """Swap in use."""
        told = self._read("proc/meminfo") or ""
        sizes = dict(re.findall(r"^(SwapTotal|SwapFree):\s+(\d+) kB$", told, re.MULTILINE))
        if sizes.keys() != {"SwapTotal", "SwapFree"}:
            return None
        return (int(sizes["SwapTotal"]) - int(sizes["SwapFree"])) * 1024

    def quota_cores(self) -> float | None:
        """The CPU quota of the control group; see :func:`cpu_quota`."""
        return cpu_quota(self.root)

    def _cpuinfo(self) -> dict[str, str]:
        """The first processor's entries."""
        first, _, _ = (self._read("proc/cpuinfo") or "").partition("\n\n")
        return {
            key.strip(): value.strip()
            for key, separator, value in (line.partition(":") for line in first.splitlines())
            if separator
        }

    def _read(self, path: str) -> str | None:
        return _text(self.root / path)


@dataclass(frozen=True, slots=True)
class MacFacts:
    """The facts that macOS tells through sysctl(8).

    ``sysctl`` returns the text of one name, None where it is unknown.
    """

    sysctl: Callable[[str], str | None]

    def cpu(self) -> str | None:
        """Such as ``Apple M2``."""
        return self.sysctl("machdep.cpu.brand_string")

    def cpu_flags(self) -> str | None:
        """A digest of the features that Intel processors list; Apple's own list none."""
        return _digest(self.sysctl("machdep.cpu.features"))

    def governor(self) -> str | None:
        """Not told."""
        return None

    def turbo(self) -> bool | None:
        """Not told."""
        return None

    def virtual(self) -> bool | None:
        """Whether a virtual machine monitor is present."""
        present = self.sysctl("kern.hv_vmm_present")
        return None if present is None else present == "1"

    def hypervisor(self) -> str | None:
        """Not told."""
        return None

    def aslr(self) -> bool | None:
        """Not told."""
        return None

    def swap_used_bytes(self) -> int | None:
        """From ``total = 2048.00M  used = 900.25M  free = 1147.75M``."""
        used = re.search(r"used = ([\d.]+)M", self.sysctl("vm.swapusage") or "")
        return round(float(used.group(1)) * 1024**2) if used else None

    def quota_cores(self) -> float | None:
        """Infinite: macOS has no CPU quota for a process."""
        return math.inf


def run_sysctl(name: str) -> str | None:
    """Return what ``sysctl -n`` prints, None where it fails or is not there."""
    try:
        done = subprocess.run(
            ["sysctl", "-n", name],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SYSCTL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _digest(words: str | None) -> str | None:
    """Sixteen hexadecimal digits over the set of words, whatever their order."""
    if not words:
        return None
    return hashlib.sha256(" ".join(sorted(set(words.split()))).encode()).hexdigest()[:16]


def _libc(system: str) -> str | None:
    if system == "Darwin":
        return f"libSystem of macOS {platform.mac_ver()[0]}"
    name, version = platform.libc_ver()
    return f"{name} {version}".strip() or None


def _text(path: Path) -> str | None:
    """A file's stripped text; None where it is missing, unreadable or empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
