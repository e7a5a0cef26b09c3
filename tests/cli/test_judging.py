"""The options that compare and check share."""

import inspect
from typing import Annotated

import pytest
import typer

from perfkit.cli.app import app
from perfkit.cli.judging import Measuring, Telling, spread
from perfkit.errors import UsageError


def test_compare_and_check_have_the_same_options_for_measuring_and_telling() -> None:
    below = getattr(typer.main.get_command(app), "commands", {})
    shared = {*inspect.signature(Measuring).parameters, *inspect.signature(Telling).parameters}
    for verb in ("compare", "check"):
        by_name = {one.name: one for one in below[verb].params}
        assert shared <= set(by_name)
    for name in shared:
        one, other = (
            next(param for param in below[verb].params if param.name == name)
            for verb in ("compare", "check")
        )
        facts = [(each.opts, each.help, each.default, each.metavar) for each in (one, other)]
        assert facts[0] == facts[1]


def test_fields_become_options_in_place_and_come_back_as_values() -> None:
    @spread
    def verb(
        first: Annotated[str, typer.Argument()], *, measuring: Measuring, last: int = 3
    ) -> int:
        assert isinstance(measuring, Measuring)
        assert (first, measuring.seed, measuring.bench, measuring.shard) == ("x", 5, None, "1/2")
        return last

    names = list(inspect.signature(verb).parameters)
    assert (names[0], names[-1]) == ("first", "last")
    assert names[1:-1] == list(inspect.signature(Measuring).parameters)
    given = dict.fromkeys(names[1:-1]) | {"seed": 5, "shard": "1/2"}
    assert verb(first="x", last=4, **given) == 4


def test_which_options_say_how_to_measure() -> None:
    assert not Measuring().given
    assert not Measuring(bench=["x"]).given
    assert Measuring(seed=1).given
    assert Measuring(isolate=True).given
    assert Measuring(load_wait="0s").given


def test_a_shard_is_read_where_one_is_given() -> None:
    assert Measuring().part is None
    assert str(Measuring(shard="2/4").part) == "2/4"
    with pytest.raises(UsageError, match="--shard"):
        _ = Measuring(shard="5/4").part
