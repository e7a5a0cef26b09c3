"""A target called in a process of its own."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfkit.targets.child import run_child
from perfkit.targets.spec import parse_target

# The smallest measuring child: it calls the target and says what came back.
CALL = """
from perfkit.targets.load import load
from perfkit.targets.serve import serve
from perfkit.targets.spec import Target

def measure(request):
    with load(Target.from_json(request["target"])) as run:
        return {"returned": [repr(run()) for _ in range(request["calls"])]}

serve(measure)
"""

Call = Callable[..., list[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    measurer = tmp_path / "measurer"
    measurer.mkdir()
    (measurer / "call_it.py").write_text(CALL)
    project = tmp_path / "project"
    project.mkdir()

    def run(
        source: str,
        text: str = "app.py",
        *,
        args: tuple[str, ...] = (),
        arguments: str | None = None,
        factory: str | None = None,
        calls: int = 1,
        timeout: float | None = 60,
        module: bool = False,
        files: dict[str, str] | None = None,
    ) -> list[str]:
        for name, content in {"app.py": source, **(files or {})}.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(textwrap.dedent(content))
        target = parse_target(
            text, module=module, args=args, arguments=arguments, factory=factory, cwd=project
        )
        answer: dict[str, Any] = run_child(
            "call_it",
            {"target": target.to_json(), "calls": calls},
            cwd=project,
            name=str(target),
            timeout=timeout,
            environment={"PYTHONPATH": str(measurer)},
        )
        returned: list[str] = answer["returned"]
        return returned

    return run
