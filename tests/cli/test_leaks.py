import json
from pathlib import Path

import pytest

from perfkit.__main__ import run
from perfkit.errors import ExitCode

pytestmark = pytest.mark.usefixtures("unmeasured")

SHOP = """
kept = []

def keeps():
    kept.append(bytes(100))

def fills(size, name="x"):
    kept.append(name * size)

def arguments():
    return {"size": 100}

def gives_back():
    return bytes(100)

def fails():
    kept.append(1)
    if len(kept) == 57:
        raise LookupError("shelf is empty")
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)


def test_a_leak_fails_and_names_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["leaks", "shop:keeps", "--iterations", "200"]) == ExitCode.FAILED
    streams = capsys.readouterr()
    assert streams.out.startswith("LEAK: shop:keeps keeps 14")
    assert "shop.py:5 keeps" in streams.out
    assert streams.err == "running shop:keeps 200 times under memray\n"


def test_a_clean_target_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["leaks", "shop:gives_back", "--iterations", "200"]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("CLEAN: shop:gives_back keeps nothing")


def test_a_ceiling_accepts_growth(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["leaks", "shop:keeps", "--iterations", "200", "--ceiling", "1 KiB", "--json"]
    assert run(arguments) == ExitCode.PASSED
    document = json.loads(capsys.readouterr().out)
    assert document["perfkit"]["command"] == "leaks"
    assert (document["status"], document["state"]) == ("passed", "clean")
    assert document["ceiling_bytes"] == 1024
    assert [site["place"] for site in document["sites"]] == ["shop.py:5 keeps"]


SERVER = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")
kept = []

@server.tool()
def sell(name: str) -> str:
    kept.append(name * 100)
    return name
"""


@pytest.mark.parametrize(
    ("target", "called"),
    [
        ("shop:fills", ["--args", "[100]"]),
        ("shop:fills", ["--factory", "shop:arguments"]),
        ("mcp:server:sell", ["--args", '{"name": "ham"}']),
    ],
)
def test_what_is_called_with_arguments(
    target: str, called: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("server.py").write_text(SERVER, "utf-8")
    assert run(["leaks", target, *called, "--iterations", "32", "--json"]) == ExitCode.FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == "leak"
    assert document["target"].startswith(f"{target} {called[0]} ")
    assert [site["place"].partition(" ")[2] for site in document["sites"]] == [
        target.rpartition(":")[2]
    ]
    assert any("its client connected in memory" in note for note in document["notes"]) is (
        target.startswith("mcp:")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["shop:fails"], ExitCode.MEASUREMENT, "in call 57, shop:fails raised LookupError"),
        (["shop.py"], ExitCode.USAGE, "shop.py is a script, which starts anew each time"),
        (["shop:gone"], ExitCode.USAGE, "shop has no gone"),
        (["shop:keeps", "--ceiling", "5"], ExitCode.USAGE, "--ceiling: found 5 without a unit"),
        (["shop:keeps", "--timeout", "soon"], ExitCode.USAGE, "--timeout: found 'soon'"),
        (["shop:keeps", "--iterations", "3"], ExitCode.USAGE, "3 iterations are too few"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    arguments: list[str], code: ExitCode, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["leaks", *arguments]) == code
    streams = capsys.readouterr()
    assert streams.out == ""
    assert sentence in streams.err.splitlines()[-1]
