from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.targets.spec import Target, TargetKind, parse_target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").touch()
    (tmp_path / "tool").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("app.py", TargetKind.SCRIPT, "app.py"),
        ("tool", TargetKind.SCRIPT, "tool"),
        ("package", TargetKind.SCRIPT, "package"),
        ("pkg.mod:call", TargetKind.CALLABLE, "pkg.mod:call"),
        ("mod:Class.method", TargetKind.CALLABLE, "mod:Class.method"),
        ("bench:suite.time_it", TargetKind.BENCHMARK, "suite.time_it"),
        ("bench:suite.time_it(1, 'a')", TargetKind.BENCHMARK, "suite.time_it(1, 'a')"),
        ("bench:suite.time_it[1]", TargetKind.BENCHMARK, "suite.time_it(1)"),
        ("pytest:tests/test_a.py::test_b[x:1]", TargetKind.PYTEST, "tests/test_a.py::test_b[x:1]"),
        ("mcp:pkg.server:read-file", TargetKind.MCP, "pkg.server:read-file"),
        ("mcp:pkg.server:build:tool.name", TargetKind.MCP, "pkg.server:build:tool.name"),
    ],
)
def test_the_forms(project: Path, text: str, kind: TargetKind, name: str) -> None:
    target = parse_target(text, cwd=project)
    assert target == Target(kind, name)
    assert Target.from_json(target.to_json()) == target


def test_words_after_the_dashes_belong_to_the_program(project: Path) -> None:
    script = parse_target("app.py", args=("-n", "3"), cwd=project)
    assert str(script) == "app.py -n 3"
    module = parse_target("json.tool", module=True, args=("--help",), cwd=project)
    assert str(module) == "-m json.tool --help"
    assert str(parse_target("bench:suite.time_it[1]", cwd=project)) == "bench:suite.time_it(1)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("missing.py", "does not exist"),
        ("a/b", "does not exist"),
        ("json.tool", "write -m json.tool"),
        ("mod:", "not of the form pkg.mod:callable"),
        ("mod:two words", "not of the form pkg.mod:callable"),
        ("bench:", "needs the name of a benchmark"),
        ("pytest:", "needs a node id"),
        ("mcp:server", "not of the form mcp:pkg.server:TOOL"),
        ("mcp:a b:tool", "not of the form mcp:pkg.server:TOOL"),
        ("empty", "without __main__.py"),
        ("", "without __main__.py"),
    ],
)
def test_what_is_no_target_says_what_would_be(project: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_target(text, cwd=project)


@pytest.mark.parametrize(
    "text", ["mod:call", "bench:suite.time_it", "pytest:test_a.py", "mcp:server:tool"]
)
def test_callables_take_no_command_line(project: Path, text: str) -> None:
    with pytest.raises(UsageError, match="--size 3"):
        parse_target(text, args=("--size", "3"), cwd=project)


def test_a_module_is_named_dotted(project: Path) -> None:
    with pytest.raises(UsageError, match=r"dotted and without \.py"):
        parse_target("app/main.py", module=True, cwd=project)


def test_arguments_are_kept_as_json_and_shown_as_typed(project: Path) -> None:
    target = parse_target("mod:call", arguments='[1,  {"a": "x y"}]', cwd=project)
    assert str(target) == """mod:call --args '[1, {"a": "x y"}]'"""
    assert Target.from_json(target.to_json()) == target
    made = parse_target("mcp:server:tool", factory="mod:make", cwd=project)
    assert str(made) == "mcp:server:tool --factory mod:make"
    assert Target.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("text", "arguments", "factory", "said"),
    [
        ("mod:call", "[", None, "--args: found '.', which is no JSON"),
        ("mod:call", "", None, "which is no JSON"),
        ("mod:call", "3", None, "--args: found 3, wanted a list or an object"),
        ("mcp:server:tool", "[3]", None, "wanted an object, {NAME: VALUE}"),
        ("mod:call", "[]", "mod:make", "give one"),
        ("mod:call", None, "make", "--factory: found 'make', wanted pkg.mod:callable"),
        ("app.py", "[]", None, "--args is for .* not for app.py; write .* after --"),
        ("bench:suite.time_it", None, "mod:make", "--factory is for .*; leave it out"),
    ],
)
def test_arguments_that_do_not_fit_the_target(
    project: Path, text: str, arguments: str | None, factory: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        parse_target(text, arguments=arguments, factory=factory, cwd=project)
