from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.config.document import (
    LARGEST_FILE_BYTES,
    Place,
    parse_document,
    parse_scalar,
    read_document,
)
from perfkit.errors import ConfigError


def test_a_value_knows_its_place() -> None:
    document = parse_document("schema: 1\nbudgets:\n  - name: a\n    limit: 1s\n", "f.yaml")
    assert document.values == {"schema": 1, "budgets": [{"name": "a", "limit": "1s"}]}
    assert document.places["budgets", 0, "limit"] == Place("f.yaml", 4, 12)
    assert document.key_places["budgets", 0, "limit"] == Place("f.yaml", 4, 5)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_document_has_no_values(text: str) -> None:
    assert parse_document(text, "f.yaml").values == {}


def test_a_day_stays_text() -> None:
    assert parse_document("expires: 2026-12-31\n", "f").values == {"expires": "2026-12-31"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "f:3:1: found key 'a' a second time, wanted it once; it is already set in line 1",
        ),
        (
            "a: &x [1]\nb: *x\n",
            "f:2:4: found the alias *x, wanted the value itself; aliases are not supported",
        ),
        (
            "a: &a [z]\nb: &b [*a, *a]\n",
            "f:2:8: found the alias *a, wanted the value itself; aliases are not supported",
        ),
        (
            "<<: {a: 1}\n",
            "f:1:1: found a key that is no plain text; put it in quotes",
        ),
        ("1: x\n", "f:1:1: found a key that is no plain text; put it in quotes"),
        ("? [a]\n: x\n", "f:1:3: found a key that is no plain text; put it in quotes"),
        ("- a\n", "f:1:1: found a list, wanted keys with values, such as 'schema: 1'"),
        ("hello\n", "f:1:1: found 'hello', wanted keys with values, such as 'schema: 1'"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "f:1:4: found the tag 'tag:yaml.org,2002:python/object/apply:os.system'; remove it",
        ),
        ("a: !!binary aGk=\n", "f:1:4: found the tag 'tag:yaml.org,2002:binary'; remove it"),
        ("a: !!set {x}\n", "f:1:4: found the tag 'tag:yaml.org,2002:set'; remove it"),
        ("a: !!int x\n", "f:1:4: found 'x', wanted a value of type int"),
        ("a: !!bool x\n", "f:1:4: found 'x', wanted a value of type bool"),
        ("a: .nan\n", "f:1:4: found '.nan', wanted a number of usual size"),
        ("a: -.inf\n", "f:1:4: found '-.inf', wanted a number of usual size"),
        (f"a: 0x{'f' * 90}\n", f"f:1:4: found '0x{'f' * 58}...', wanted a number of usual size"),
        (
            "a: b: c\n",
            (
                "f:1:5: found broken YAML: mapping values are not allowed here; wanted lines of "
                "the "
                "form 'key: value', indented by spaces"
            ),
        ),
        (
            "a:\n\t- b\n",
            (
                "f:2:1: found broken YAML: found character '\\t' that cannot start any token; "
                "wanted "
                "lines of the form 'key: value', indented by spaces"
            ),
        ),
        (
            "a: 1\n---\nb: 2\n",
            (
                "f:2:1: found broken YAML: but found another document; wanted lines of the form "
                "'key: value', indented by spaces"
            ),
        ),
        (
            "a: 1\nb: \x00\n",
            "f:2:4: found the character U+0000, which YAML does not allow; remove it",
        ),
        (
            "a: " + "[" * 5000,
            "f:1:23: found values nested more than 20 deep, wanted a flat configuration",
        ),
    ],
)
def test_what_is_no_document_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f")
    assert str(caught.value) == sentence


@given(st.text())
def test_any_text_is_a_document_or_a_sentence(text: str) -> None:
    try:
        document = parse_document(text, "f")
    except ConfigError as error:
        assert str(error).startswith("f:")  # noqa: PT017  # both outcomes are right
    else:
        assert isinstance(document.values, dict)


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"schema: 1\n# caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        read_document(path, "f.yaml")
    assert str(caught.value) == (
        "f.yaml:2:6: found byte 0xe9, which is not UTF-8; save the file as UTF-8"
    )


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfschema: 1\n")
    assert read_document(path, "f").values == {"schema": 1}


def test_a_huge_file_is_refused_unparsed(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="found more than 1048576 bytes"):
        read_document(path, "f")


def test_a_directory_and_a_dead_link_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="f: is not a regular file; wanted a YAML file"):
        read_document(tmp_path, "f")
    with pytest.raises(ConfigError, match="f: does not exist; wanted a YAML file"):
        read_document(tmp_path / "link", "f")


def test_a_name_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"f: cannot be read: .*; make it readable"):
        read_document(tmp_path / ("x" * 300), "f")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30),
        ("0.5", 0.5),
        ("true", True),
        ("5%", "5%"),
        ("", ""),
        ("[1]", "[1]"),
        ("a: b", "a: b"),
        ("[", "["),
        ("0b_", "0b_"),
        ("2026-12-31", "2026-12-31"),
        ("9" * 61, "9" * 61),
    ],
)
def test_a_scalar_means_what_it_means_in_a_file(text: str, value: object) -> None:
    assert parse_scalar(text) == value
