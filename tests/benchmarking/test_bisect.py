"""The search for the first bad commit, without any measuring."""

from hypothesis import given
from hypothesis import strategies as st

from perfkit.benchmarking.bisect import Narrowed, Probe, search


def run(answers: list[Probe]) -> Narrowed:
    commits = [f"c{index}" for index in range(len(answers))]
    return search(commits, lambda commit: answers[int(commit[1:])], on_probe=lambda *_: None)


@given(st.integers(1, 200), st.data())
def test_the_first_bad_commit_is_found_in_few_probes(n: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, n - 1))
    result = run([Probe.GOOD] * first + [Probe.BAD] * (n - first))
    assert result.suspects == (f"c{first}",)
    assert result.found
    assert len(result.probed) <= n.bit_length()


@given(st.integers(1, 60), st.data())
def test_the_first_bad_commit_is_always_among_the_suspects(n: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, n - 1))
    answers = [Probe.GOOD] * first + [Probe.BAD] * (n - first)
    lost = data.draw(st.sets(st.integers(0, n - 1)))
    for index in lost - {n - 1}:
        answers[index] = data.draw(st.sampled_from([Probe.UNBUILDABLE, Probe.UNDECIDED]))
    result = run(answers)
    assert f"c{first}" in result.suspects
    # Nothing that could still be judged is left over: all suspects but the last are unusable.
    assert all(answers[int(c[1:])] not in {Probe.GOOD, Probe.BAD} for c in result.suspects[:-1])
    assert len({commit for commit, _ in result.probed}) == len(result.probed)


def test_what_is_known_to_be_bad_is_not_probed() -> None:
    assert run([Probe.BAD]) == Narrowed(suspects=("c0",), probed=())
