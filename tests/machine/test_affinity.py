import os

import pytest

from perfkit.errors import UsageError
from perfkit.machine.affinity import allowed_processors, chosen_processors

FOUR = frozenset({0, 1, 2, 5})


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("0", (0,)), ("2,0", (0, 2)), ("0-2", (0, 1, 2)), ("0-1, 5", (0, 1, 5)), ("1,1", (1,))],
)
def test_processors_are_named_as_taskset_names_them(text: str, chosen: tuple[int, ...]) -> None:
    assert chosen_processors(text, FOUR) == chosen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found '', wanted processors such as 2 or 0,2-3"),
        ("one", "found 'one', wanted processors"),
        ("-1", "found '-1', wanted processors"),
        ("0x1", "wanted processors"),
        ("99999", "wanted processors"),
        ("2-1", "found '2-1', wanted the smaller number first"),
        ("1-3,9", "found 3,9, which perfkit may not use here; wanted some of 0-2,5"),
    ],
)
def test_others_are_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen_processors(text, FOUR)
    assert said in str(caught.value)
    assert str(caught.value).startswith("--cpu-affinity: ")


def test_a_system_without_affinity_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allowed_processors() == os.sched_getaffinity(0)
    monkeypatch.delattr(os, "sched_getaffinity")
    with pytest.raises(UsageError, match=r"no way to keep a process .* leave the option out"):
        chosen_processors("0", allowed_processors())
