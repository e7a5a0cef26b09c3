"""What measures besides the project: packages and asv_runner, as the measured interpreter says."""

from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from perfkit.benchmarking.installed import Installed, moved, read_installed
from perfkit.benchmarking.process import Interpreter
from perfkit.machine.interpreter import packages_digest, read_interpreter


def metadata(folder: Path, name: str, direct: str | None = None) -> None:
    place = folder / f"{name}-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if direct is not None:
        (place / "direct_url.json").write_text(direct)


def test_everything_but_the_measured_project_is_named(tmp_path: Path) -> None:
    site = tmp_path / "site"
    metadata(site, "measured")
    found = read_installed(Interpreter(site=site))
    names = [name for name, _ in found.packages]
    assert names == sorted(names)
    assert ("numpy", version("numpy")) in found.packages
    assert "measured" not in names
    # perfkit itself is installed from a folder here.
    assert "perfkit" not in names
    assert len(names) == len({str(one.metadata["Name"]) for one in distributions()} - {"perfkit"})
    assert found.asv_runner == version("asv_runner")
    assert found.digest == packages_digest(found.packages)
    assert found.python == str(read_interpreter())


def test_a_project_installed_from_a_folder_is_left_out_of_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    metadata(elsewhere, "from_folder", '{"url": "file:///src", "dir_info": {}}')
    metadata(elsewhere, "from_archive", '{"url": "https://host/x.whl", "archive_info": {}}')
    monkeypatch.setenv("PYTHONPATH", str(elsewhere))
    found = read_installed(Interpreter())
    names = {name for name, _ in found.packages}
    assert "from_archive" in names
    assert "from_folder" not in names


def test_what_differs_is_said_with_both_versions() -> None:
    base = Installed(
        asv_runner="0.3.2", python="3.12", packages=(("a", "1"), ("b", "1"), ("c", "1"))
    )
    head = Installed(
        asv_runner="0.3.2", python="3.12", packages=(("b", "2"), ("c", "1"), ("d", "5"))
    )
    assert moved(base, head) == ("a 1 -> -", "b 1 -> 2", "d - -> 5")
    assert moved(base, base) == ()
