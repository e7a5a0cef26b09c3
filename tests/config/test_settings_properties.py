"""Whatever is written in a file, it is a setting or a sentence at its place."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.config.load import load_settings
from perfkit.config.thresholds import Thresholds
from perfkit.errors import ConfigError

KEYS = sorted(
    {
        "schema",
        *(
            key
            for section in Thresholds.model_json_schema()["$defs"].values()
            for key in section["properties"]
        ),
        *Thresholds.model_fields,
        "unknown",
    }
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["5%", "1s", "64MiB", "12count", "time", "p95", "2026-12-31", "a.b:c", ""]),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_values_are_settings_or_a_sentence(values: dict[str, object]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "performance_thresholds.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        try:
            loaded = load_settings(Path(folder), environ={}).thresholds
        except ConfigError as error:
            place, _, sentence = str(error).removeprefix(str(path)).partition(" ")
            assert re.fullmatch(r":\d+:\d+:", place)  # both outcomes are right
            assert re.search("found .*(wanted|remove)", sentence)
        else:
            told = loaded.model_dump_json(by_alias=True)
            assert Thresholds.model_validate_json(told) == loaded
