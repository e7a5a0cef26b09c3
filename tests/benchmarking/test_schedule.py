from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from perfkit.benchmarking.schedule import ORDERS, round_order
from perfkit.model import BenchmarkId

identities = st.lists(
    st.builds(BenchmarkId, st.text(min_size=1, max_size=5)), unique=True, max_size=12
)


@given(identities, st.integers(0, 50), st.integers())
def test_every_benchmark_is_once_a_side_in_every_round(
    chosen: list[BenchmarkId], number: int, seed: int
) -> None:
    planned = round_order(chosen, number, seed)
    assert Counter(identity for identity, _ in planned) == Counter(chosen)
    assert all(order in ORDERS for _, order in planned)
    assert planned == round_order(list(chosen), number, seed)


@given(identities, st.integers(0, 25), st.integers())
def test_two_rounds_are_a_block_in_which_each_side_is_first_once(
    chosen: list[BenchmarkId], block: int, seed: int
) -> None:
    first, second = (dict(round_order(chosen, 2 * block + half, seed)) for half in (0, 1))
    assert all(first[identity] == second[identity][::-1] for identity in chosen)


@given(identities, st.integers(0, 25), st.integers())
def test_who_is_first_does_not_depend_on_the_other_benchmarks(
    chosen: list[BenchmarkId], number: int, seed: int
) -> None:
    whole = dict(round_order(chosen, number, seed))
    for identity in chosen:
        assert dict(round_order([identity], number, seed)) == {identity: whole[identity]}


def test_the_exact_order_of_a_seed() -> None:
    """Two blocks: which side goes first is drawn once a block, and turned in its second round."""
    three = [BenchmarkId(name) for name in "xyz"]
    rounds = [round_order(three, number, seed=7) for number in range(4)]
    told = [" ".join(f"{one}:{'-'.join(order)}" for one, order in found) for found in rounds]
    assert told == [
        "x:head-base y:base-head z:head-base",
        "y:head-base x:base-head z:base-head",
        "y:base-head z:base-head x:head-base",
        "y:head-base z:head-base x:base-head",
    ]


def test_both_orders_and_both_kinds_of_block_occur() -> None:
    many = [BenchmarkId(f"b{index}") for index in range(200)]
    first = Counter(order for _, order in round_order(many, 0, seed=1))
    assert 60 < first["base", "head"] < 140
    orders = {tuple(identity for identity, _ in round_order(many, n, 1)) for n in range(5)}
    assert len(orders) == 5
    assert round_order(many, 0, 1) != round_order(many, 0, 2)
