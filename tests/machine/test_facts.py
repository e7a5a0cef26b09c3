import math
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from perfkit.machine.facts import LinuxFacts, MacFacts, read_machine, run_sysctl

X86 = "processor : 0\nmodel name : Fast 9000\nflags : fpu {extra}\n\nprocessor : 1\n"


def _linux(root: Path, **files: str) -> LinuxFacts:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return LinuxFacts(root)


def test_an_empty_system_tells_nothing(tmp_path: Path) -> None:
    facts = LinuxFacts(tmp_path)
    told = [
        facts.cpu(),
        facts.cpu_flags(),
        facts.governor(),
        facts.turbo(),
        facts.virtual(),
        facts.hypervisor(),
        facts.aslr(),
        facts.swap_used_bytes(),
        facts.quota_cores(),
    ]
    assert told == [None] * 9


@pytest.mark.parametrize(("extra", "virtual"), [("hypervisor", True), ("sse2", False)])
def test_x86_tells_its_model_and_its_hypervisor_bit(
    tmp_path: Path, extra: str, virtual: bool
) -> None:
    facts = _linux(tmp_path, proc__cpuinfo=X86.format(extra=extra))
    assert (facts.cpu(), facts.virtual(), facts.hypervisor()) == ("Fast 9000", virtual, None)


def test_arm_tells_numbers(tmp_path: Path) -> None:
    facts = _linux(tmp_path, proc__cpuinfo="CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n")
    assert (facts.cpu(), facts.virtual()) == ("ARM implementer 0x41 part 0xd0c", None)


def test_features_are_a_set_on_every_processor(tmp_path: Path) -> None:
    def flags(place: str, text: str) -> str | None:
        (tmp_path / place).mkdir()
        return _linux(tmp_path / place, proc__cpuinfo=text).cpu_flags()

    one = flags("one", "flags\t: fpu sse2 avx\n")
    assert one is not None
    assert len(one) == 16
    assert flags("other-order", "flags\t: avx fpu sse2\n") == one
    assert flags("arm", "Features\t: fpu sse2 avx\n") == one
    assert flags("one-less", "flags\t: fpu sse2\n") not in {one, None}
    assert MacFacts({"machdep.cpu.features": "FPU SSE2"}.get).cpu_flags() is not None
    assert MacFacts({}.get).cpu_flags() is None  # type: ignore[arg-type]


def test_every_governor_in_use_is_named(tmp_path: Path) -> None:
    facts = _linux(
        tmp_path,
        sys__devices__system__cpu__cpu0__cpufreq__scaling_governor="powersave\n",
        sys__devices__system__cpu__cpu1__cpufreq__scaling_governor="performance\n",
        sys__devices__system__cpu__cpu2__cpufreq__scaling_governor="powersave\n",
    )
    assert facts.governor() == "performance, powersave"


@pytest.mark.parametrize(
    ("name", "text", "turbo"),
    [
        ("sys__devices__system__cpu__intel_pstate__no_turbo", "0\n", True),
        ("sys__devices__system__cpu__intel_pstate__no_turbo", "1\n", False),
        ("sys__devices__system__cpu__cpufreq__boost", "1\n", True),
        ("sys__devices__system__cpu__cpufreq__boost", "0\n", False),
    ],
)
def test_turbo_is_told_by_intel_and_by_amd(
    tmp_path: Path, name: str, text: str, turbo: bool
) -> None:
    assert _linux(tmp_path, **{name: text}).turbo() is turbo


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"sys__hypervisor__type": "xen\n"}, "xen"),
        ({"sys__class__dmi__id__sys_vendor": "QEMU\n"}, "QEMU"),
        ({"sys__class__dmi__id__product_name": "Virtual Machine\n"}, "Virtual Machine"),
    ],
)
def test_a_hypervisor_is_called_what_it_calls_itself(
    tmp_path: Path, files: dict[str, str], name: str
) -> None:
    facts = _linux(tmp_path, **files)
    assert (facts.hypervisor(), facts.virtual()) == (name, True)


def test_real_hardware_has_no_hypervisor(tmp_path: Path) -> None:
    facts = _linux(
        tmp_path,
        sys__class__dmi__id__sys_vendor="LENOVO\n",
        proc__cpuinfo=X86.format(extra="sse2"),
    )
    assert (facts.hypervisor(), facts.virtual()) == (None, False)


@pytest.mark.parametrize(
    ("setting", "personality", "aslr"),
    [("2", "00000000", True), ("0", "00000000", False), ("2", "00040000", False)],
)
def test_a_layout_is_random_unless_system_or_process_say_no(
    tmp_path: Path, setting: str, personality: str, aslr: bool
) -> None:
    facts = _linux(
        tmp_path,
        proc__sys__kernel__randomize_va_space=f"{setting}\n",
        proc__self__personality=f"{personality}\n",
    )
    assert facts.aslr() is aslr


def test_swap_in_use_is_total_minus_free(tmp_path: Path) -> None:
    told = "MemTotal: 9 kB\nSwapTotal:  2048 kB\nSwapFree:   1024 kB\n"
    assert _linux(tmp_path, proc__meminfo=told).swap_used_bytes() == 1024 * 1024


def test_macos_is_asked_through_sysctl() -> None:
    told = {
        "machdep.cpu.brand_string": "Apple M2",
        "kern.hv_vmm_present": "0",
        "vm.swapusage": "total = 2048.00M  used = 900.25M  free = 1147.75M  (encrypted)",
    }
    facts = MacFacts(sysctl=told.get)
    assert facts.cpu() == "Apple M2"
    assert facts.virtual() is False
    assert facts.swap_used_bytes() == round(900.25 * 1024**2)
    assert facts.quota_cores() == math.inf
    assert (facts.governor(), facts.turbo(), facts.hypervisor(), facts.aslr()) == (None,) * 4


def test_a_macos_that_tells_nothing() -> None:
    facts = MacFacts(sysctl={}.get)
    assert (facts.cpu(), facts.virtual(), facts.swap_used_bytes()) == (None, None, None)


def test_a_sysctl_that_is_unknown_or_missing_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run_sysctl("perfkit.no.such.name") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_sysctl("kern.ostype") is None


def test_this_machine_is_read() -> None:
    facts = read_machine()
    assert facts.system == platform.system()
    assert 1 <= facts.usable_cores <= facts.cores
    assert facts.memory_bytes > 2**26


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux pins processes to cores")
def test_usable_cores_are_those_of_the_process() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from perfkit.machine.facts import read_machine; print(read_machine().usable_cores)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
