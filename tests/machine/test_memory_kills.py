"""What the kernel counts of processes that it ended for lack of memory."""

from pathlib import Path

from perfkit.machine.memory_kills import memory_kills

V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_system_without_counters_knows_nothing(tmp_path: Path) -> None:
    assert memory_kills(tmp_path) is None
    found = tree(tmp_path, {"proc/vmstat": "nr_free_pages 4\noom_kill\n"})
    assert memory_kills(found) is None


def test_the_whole_system_is_counted(tmp_path: Path) -> None:
    assert memory_kills(tree(tmp_path, {"proc/vmstat": "pgfault 9\noom_kill 3\n"})) == 3


def test_the_own_group_of_version_2_is_counted_and_not_those_around_it(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/app\n",
            "proc/self/mountinfo": V2,
            "proc/vmstat": "oom_kill 1\n",
            "sys/fs/cgroup/pod/memory.events": "oom 70\noom_kill 70\n",
            "sys/fs/cgroup/pod/app/memory.events": "low 0\noom 4\noom_kill 2\noom_group_kill 0\n",
        },
    )
    assert memory_kills(root) == 3


def test_version_1_beside_a_hierarchy_without_memory(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n4:memory:/job\n",
            "proc/self/mountinfo": V2 + V1,
            "sys/fs/cgroup/cgroup.procs": "1\n",
            "sys/fs/cgroup/memory/job/memory.oom_control": "under_oom 0\noom_kill 5\n",
        },
    )
    assert memory_kills(root) == 5
