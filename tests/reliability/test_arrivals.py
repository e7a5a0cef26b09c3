import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.reliability.arrivals import Process, Stage, arrivals
from perfkit.reliability.stages import Shape, stages_of


def stages() -> st.SearchStrategy[list[Stage]]:
    rate = st.floats(0, 200)
    stage = st.builds(Stage, st.just("one"), st.floats(0.1, 5), rate, rate)
    return st.lists(stage, min_size=1, max_size=4)


@given(stages(), st.sampled_from(["constant", "poisson"]), st.integers(0, 99))
def test_requests_are_due_in_order_and_within_their_stage(
    given_stages: list[Stage], process: Process, seed: int
) -> None:
    planned = arrivals(given_stages, process, np.random.default_rng(seed))
    assert (np.diff(planned.due) >= -1e-9).all()
    ends = np.cumsum([stage.seconds for stage in given_stages])
    begins = ends - [stage.seconds for stage in given_stages]
    assert (planned.due >= begins[planned.stage] - 1e-9).all()
    assert (planned.due <= ends[planned.stage] + 1e-9).all()


@given(stages())
def test_a_constant_load_has_the_expected_number(given_stages: list[Stage]) -> None:
    planned = arrivals(given_stages, "constant", np.random.default_rng(0))
    assert abs(len(planned) - sum(stage.expected for stage in given_stages)) <= 1


def test_a_constant_rate_has_equal_distances() -> None:
    planned = arrivals([Stage("hold", 2, 50, 50)], "constant", np.random.default_rng(0))
    assert planned.due == pytest.approx(np.arange(100) / 50)


def test_a_ramp_reaches_half_of_its_requests_at_the_root_of_a_half() -> None:
    planned = arrivals([Stage("ramp", 10, 0, 100)], "constant", np.random.default_rng(0))
    assert len(planned) == 500
    assert planned.due[250] == pytest.approx(10 * 0.5**0.5)


def test_poisson_counts_vary_as_much_as_their_mean() -> None:
    rng = np.random.default_rng(5)
    counts = [len(arrivals([Stage("hold", 1, 100, 100)], "poisson", rng)) for _ in range(600)]
    assert np.mean(counts) == pytest.approx(100, rel=0.02)
    assert np.var(counts) == pytest.approx(100, rel=0.2)


def test_the_same_seed_gives_the_same_load() -> None:
    first, second = (
        arrivals([Stage("hold", 3, 9, 90)], "poisson", np.random.default_rng(7)) for _ in range(2)
    )
    assert (first.due == second.due).all()


def test_stages_without_a_length_are_left_out() -> None:
    assert [stage.name for stage in stages_of(Shape(rate=10, hold=5))] == ["hold"]
    shape = Shape(rate=10, hold=5, ramp=1, warm=1, spike_rate=50, spike=2, recover=3)
    found = stages_of(shape)
    assert [stage.name for stage in found] == ["ramp", "warm", "hold", "spike", "recover"]
    assert [stage.name for stage in found if stage.judged] == ["hold", "recover"]
