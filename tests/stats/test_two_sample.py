import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.model import Verdict
from perfkit.stats import compare_samples

Design = Literal["interleaved", "sequential"]

BADNESS = {
    Verdict.IMPROVED: -1,
    Verdict.UNCHANGED: 0,
    Verdict.INCONCLUSIVE: 0,
    Verdict.REGRESSED: 1,
}
MIRROR = {Verdict.IMPROVED: Verdict.REGRESSED, Verdict.REGRESSED: Verdict.IMPROVED}

times = st.floats(1e-6, 1e3)
pairs = st.lists(st.tuples(times, times), min_size=1, max_size=14)
signed_pairs = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=12)
designs = st.sampled_from(["interleaved", "sequential"])


def noise(seed: int, n: int, sd: float = 0.01) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, sd, n))


def test_ten_percent_slower_is_a_regression() -> None:
    shift = compare_samples(noise(1, 10), 1.1 * noise(2, 10))
    assert shift.verdict is Verdict.REGRESSED
    assert shift.ratio.low < 1.1 < shift.ratio.high
    assert shift.p_value < 0.01
    assert (shift.n_base, shift.n_head, shift.rounds_needed) == (10, 10, None)


def test_higher_is_better_turns_the_verdict_round() -> None:
    faster = compare_samples(noise(1, 10), 1.1 * noise(2, 10), better="higher")
    slower = compare_samples(noise(1, 10), 0.9 * noise(2, 10), better="higher")
    assert (faster.verdict, slower.verdict) == (Verdict.IMPROVED, Verdict.REGRESSED)


def test_unchanged_is_affirmative_and_little_data_is_inconclusive() -> None:
    assert compare_samples(noise(1, 12), noise(2, 12)).verdict is Verdict.UNCHANGED
    few = compare_samples(noise(1, 3), noise(2, 3))
    assert few.verdict is Verdict.INCONCLUSIVE
    assert (few.ratio.low, few.ratio.high) == (0.0, math.inf)
    assert few.rounds_needed == 5
    assert few.smallest_visible_effect is None


def test_noisy_data_name_the_rounds_that_would_decide() -> None:
    shift = compare_samples(noise(1, 12, 0.06), noise(2, 12, 0.06))
    assert shift.verdict is Verdict.INCONCLUSIVE
    assert shift.rounds_needed is not None
    assert 12 < shift.rounds_needed < 200
    assert shift.smallest_visible_effect is not None
    assert shift.smallest_visible_effect > 0.05


@pytest.mark.parametrize("design", ["interleaved", "sequential"])
def test_a_shift_below_the_floor_is_no_regression(design: Design) -> None:
    shift = compare_samples(noise(1, 20, 0.001), 1.03 * noise(2, 20, 0.001), design=design)
    assert shift.p_value < 1e-5
    assert shift.rounds_needed is None
    assert shift.verdict is Verdict.INCONCLUSIVE
    assert "less than the floor" in shift.notes[0]


@pytest.mark.parametrize("values", [([1.0], [2.0]), ([1.0] * 20, [2.0] * 20)])
def test_one_process_or_no_variation_is_never_significant(
    values: tuple[list[float], list[float]],
) -> None:
    shift = compare_samples(*values)
    assert shift.verdict is Verdict.INCONCLUSIVE
    assert shift.p_value == 1.0


def test_steady_sides_are_judged_by_their_number() -> None:
    assert compare_samples([1.0] * 6, [2.0] * 6).verdict is Verdict.INCONCLUSIVE
    found = compare_samples([1.0] * 6, [2.0] * 6, steady=True)
    assert (found.verdict, found.notes) == (Verdict.REGRESSED, ())
    # As probable as the same separation of sides that vary.
    varying = compare_samples([1.0, 1.1, 1.2] * 2, [2.0, 2.1, 2.2] * 2)
    assert found.p_value == varying.p_value
    assert compare_samples([1.0] * 4, [2.0] * 4, steady=True).verdict is Verdict.INCONCLUSIVE
    assert compare_samples([1.0] * 6, [1.04] * 6, steady=True).verdict is Verdict.INCONCLUSIVE
    assert compare_samples([1.0] * 6, [1.0] * 6, steady=True).verdict is Verdict.UNCHANGED


def test_equal_constants_are_unchanged() -> None:
    assert compare_samples([3.0] * 6, [3.0] * 6).verdict is Verdict.UNCHANGED
    assert compare_samples([0.0] * 6, [0.0] * 6).verdict is Verdict.UNCHANGED
    assert compare_samples([3.0] * 4, [3.0] * 4).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("base", "head", "floor", "verdict"),
    [
        (100, 100, 0.0, Verdict.UNCHANGED),
        (100, 101, 0.0, Verdict.REGRESSED),
        (100, 101, 0.05, Verdict.UNCHANGED),
        (100, 105, 0.05, Verdict.REGRESSED),
        (105, 100, 0.05, Verdict.IMPROVED),
        (0, 5, 0.05, Verdict.REGRESSED),
        (5, 0, 0.05, Verdict.IMPROVED),
        (0, 0, 0.05, Verdict.UNCHANGED),
    ],
)
def test_exact_metrics_compare_at_one_value(
    base: float, head: float, floor: float, verdict: Verdict
) -> None:
    shift = compare_samples([base], [head], exact=True, floor=floor)
    assert (shift.verdict, shift.design) == (verdict, "exact")
    assert shift.notes == (() if min(base, head) > 0 else shift.notes)


def test_exact_metrics_that_vary_say_so() -> None:
    shift = compare_samples([100, 110], [105, 112], exact=True, floor=0.01)
    assert shift.verdict is Verdict.INCONCLUSIVE
    assert any("repeated values differ" in note for note in shift.notes)


def test_zero_or_below_is_compared_on_the_linear_scale() -> None:
    base = np.linspace(-1, 1, 20)
    shift = compare_samples(base, base + 5)
    assert (shift.scale, shift.verdict) == ("linear", Verdict.REGRESSED)
    assert shift.ratio.estimate == pytest.approx(1 + 5 / 2.5)
    assert "linear scale" in shift.notes[0]


def test_the_process_is_the_unit_of_replication() -> None:
    base = [list(value * noise(seed, 9)) for seed, value in enumerate(noise(50, 3))]
    head = [[2 * value for value in process] for process in base]
    shift = compare_samples(base, head)
    assert (shift.n_base, shift.n_head, shift.verdict) == (3, 3, Verdict.INCONCLUSIVE)


def test_slow_drift_of_the_machine_is_paired_away() -> None:
    drift = np.linspace(1, 3, 20)
    base, head = drift * noise(3, 20), 1.1 * drift * noise(4, 20)
    assert compare_samples(base, head).verdict is Verdict.REGRESSED
    assert compare_samples(base, head, design="sequential").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("base", "head", "options", "words"),
    [
        ([], [1.0], {}, "base has no values"),
        ([1.0], [[]], {}, "head, process 0: no values"),
        ([1.0, math.nan], [1.0, 1.0], {}, "base, process 1: a value is not finite"),
        ([[1.0, math.nan, 1.0]], [1.0], {}, "base, process 0: a value is not finite"),
        ([[1.0] * 20 + [math.inf]], [1.0], {}, "base, process 0: a value is not finite"),
        ([1.0], [math.inf], {}, "head, process 0: a value is not finite"),
        ([1.0, 2.0], [1.0], {}, "both sides of every round"),
        ([1.0], [1.0], {"alpha": 0.0}, "alpha is 0.0"),
        ([1.0], [1.0], {"floor": -0.1}, "the floor is -0.1"),
        ([1.0], [1.0], {"confidence": 1.0}, "confidence is 1.0"),
    ],
)
def test_bad_input_is_one_sentence(
    base: list[float], head: list[float], options: dict[str, float], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        compare_samples(base, head, **options)


def test_sequential_sides_may_differ_in_length() -> None:
    shift = compare_samples(noise(1, 9), 1.2 * noise(2, 14), design="sequential")
    assert (shift.n_base, shift.n_head, shift.verdict) == (9, 14, Verdict.REGRESSED)


@given(pairs=pairs | signed_pairs, design=designs)
def test_swapping_the_sides_mirrors_the_verdict(
    pairs: list[tuple[float, float]], design: Design
) -> None:
    base, head = zip(*pairs, strict=True)
    forward = compare_samples(base, head, design=design)
    back = compare_samples(head, base, design=design)
    assert back.verdict is MIRROR.get(forward.verdict, forward.verdict)
    assert back.p_value == pytest.approx(forward.p_value)
    if forward.scale == "log":
        assert back.ratio.estimate == pytest.approx(1 / forward.ratio.estimate)


@given(pairs=pairs, design=designs, scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_scaling_and_permuting_change_nothing(
    pairs: list[tuple[float, float]], design: Design, scale: float, seed: int
) -> None:
    base, head = (np.array(side) for side in zip(*pairs, strict=True))
    random = np.random.default_rng(seed)
    order = random.permutation(len(base))
    head_order = order if design == "interleaved" else random.permutation(len(head))
    plain = compare_samples(base, head, design=design)
    other = compare_samples(scale * base[order], scale * head[head_order], design=design)
    assert other.p_value == pytest.approx(plain.p_value)
    assert other.ratio.estimate == pytest.approx(plain.ratio.estimate)
    # An estimate may lie on the edge of the floor to the last bit; the verdict is free there.
    assume(abs(abs(math.log(plain.ratio.estimate)) - math.log1p(0.05)) > 1e-9)
    assert other.verdict is plain.verdict


@given(
    pairs=pairs,
    design=designs,
    factors=st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
    floor=st.sampled_from([0.0, 0.05, 0.3]),
)
def test_a_larger_effect_is_never_a_milder_verdict(
    pairs: list[tuple[float, float]], design: Design, factors: tuple[float, float], floor: float
) -> None:
    base, head = (np.array(side) for side in zip(*pairs, strict=True))
    less, more = (
        compare_samples(base, head * factor, design=design, floor=floor)
        for factor in sorted(factors)
    )
    assert BADNESS[less.verdict] <= BADNESS[more.verdict]
    assert less.ratio.estimate <= more.ratio.estimate


@given(
    lower=st.lists(st.floats(1, 2), min_size=2, max_size=30),
    upper=st.lists(st.floats(2.001, 4), min_size=2, max_size=30),
    design=designs,
)
def test_fully_separated_sides_are_never_unchanged(
    lower: list[float], upper: list[float], design: Design
) -> None:
    if design == "interleaved":
        size = min(len(lower), len(upper))
        lower, upper = lower[:size], upper[:size]
    for sides in ((lower, upper), (upper, lower)):
        assert compare_samples(*sides, design=design).verdict is not Verdict.UNCHANGED


@given(pairs=pairs | signed_pairs, design=designs)
def test_the_same_input_gives_the_same_answer(
    pairs: list[tuple[float, float]], design: Design
) -> None:
    base, head = zip(*pairs, strict=True)
    assert compare_samples(base, head, design=design) == compare_samples(base, head, design=design)


@pytest.mark.parametrize("design", ["interleaved", "sequential"])
def test_the_level_holds_where_nothing_changed(design: Design) -> None:
    """2 000 comparisons of equal sides at floor 0: the level itself, with no help of the floor."""
    random = np.random.default_rng(20260)
    alarms = 0
    for _ in range(2000):
        base, head = np.exp(0.02 * random.standard_t(3, (2, 12)))
        verdict = compare_samples(base, head, design=design, floor=0.0).verdict
        alarms += verdict is not Verdict.INCONCLUSIVE
    assert 4 <= alarms <= 20  # 1 % of 2 000 is 20; none at all would mean a test without power
