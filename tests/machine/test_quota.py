import math
from pathlib import Path

import pytest

from perfkit.machine.quota import cpu_quota

V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_version_2_takes_the_tightest_limit_on_the_way_up(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/app\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod/app/cpu.max": "max 100000\n",
        },
    )
    assert cpu_quota(root) == 1.5


def test_version_2_without_a_limit_is_infinite(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/cpu.max": "max 100000\n",
        },
    )
    assert cpu_quota(root) == math.inf


@pytest.mark.parametrize(("quota", "cores"), [("50000", 0.5), ("-1", math.inf)])
def test_version_1_divides_quota_by_period(tmp_path: Path, quota: str, cores: float) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/x\n2:cpu,cpuacct:/job\n0::/\n",
            "proc/self/mountinfo": V1,
            "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": f"{quota}\n",
            "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cpu_quota(root) == cores


def test_a_container_that_sees_the_path_of_the_host(tmp_path: Path) -> None:
    mount = "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "2:cpu:/docker/abc\n",
            "proc/self/mountinfo": mount,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cpu_quota(root) == 2.0


def test_a_path_outside_the_mount_means_the_mount_itself(tmp_path: Path) -> None:
    mount = "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "2:cpu:/elsewhere\n",
            "proc/self/mountinfo": "broken line\n" + mount,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cpu_quota(root) == 3.0


def test_without_control_groups_nothing_is_known(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
