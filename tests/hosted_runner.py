"""What a GitHub runner does with the steps of a job, as far as a test without network can.

A `run` block goes through bash with the options that GitHub documents. Expressions are evaluated
over plain contexts; one of a form that is not known here is an error, never an empty string. The
actions that a job uses are functions that the test gives.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
SHELLS = {
    # https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
}

Action = Callable[["Runner", Mapping[str, str]], bool]
"""What stands for `uses`: gets the runner and `with`, and returns whether it succeeded."""


@dataclass(slots=True)
class Ended:
    """A step that ran. ``conclusion`` differs from ``outcome`` by ``continue-on-error``."""

    name: str
    outcome: str
    conclusion: str
    output: str = ""


@dataclass
class Runner:
    """A machine with a checkout in ``workspace`` and an empty ``temp``."""

    workspace: Path
    temp: Path
    github: Mapping[str, Any]
    actions: Mapping[str, Action]
    variables: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)

    def runs_job(self, job: Mapping[str, Any]) -> bool:
        """Run the job where its condition holds, and return whether it succeeded."""
        if not self._holds(job.get("if", "success()")):
            return True
        return self.runs_steps(job["steps"])

    def runs_steps(self, steps: Sequence[Mapping[str, Any]]) -> bool:
        """Run steps one after the other; after a failure only those that ask for it."""
        for step in steps:
            if self._holds(step.get("if", "success()")):
                self.ended.append(self._run(step))
        return self._succeeds()

    def _succeeds(self) -> bool:
        return all(step.conclusion == "success" for step in self.ended)

    def _run(self, step: Mapping[str, Any]) -> Ended:
        name = step.get("name") or step.get("uses") or step["run"]
        said = ""
        if "uses" in step:
            words = {key: self.text(value) for key, value in step.get("with", {}).items()}
            succeeded = self.actions[step["uses"].split("@")[0]](self, words)
        else:
            succeeded, said = self._shell(step)
        outcome = "success" if succeeded else "failure"
        forgiven = step.get("continue-on-error", False)
        if "id" in step:
            self.outputs.setdefault(step["id"], {})["outcome"] = outcome
        return Ended(name, outcome, "success" if forgiven else outcome, said)

    def _shell(self, step: Mapping[str, Any]) -> tuple[bool, str]:
        script, output = self.temp / "step.sh", self.temp / "output"
        script.write_text(self.text(step["run"]), encoding="utf-8")
        output.write_text("")
        done = subprocess.run(
            [*SHELLS[step.get("shell")], str(script)],
            cwd=self.workspace,
            env={
                **os.environ,
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
                "RUNNER_TEMP": str(self.temp),
                **self.variables,
                **{key: self.text(value) for key, value in step.get("env", {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=150,
        )
        lines = output.read_text().splitlines()
        if "id" in step:
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
        return done.returncode == 0, done.stdout

    def text(self, value: object) -> str:
        """Return a value of the file with its expressions evaluated."""
        if isinstance(value, bool):
            return str(value).lower()
        return EXPRESSION.sub(lambda found: str(self._value(found[1])), str(value))

    def _holds(self, condition: str) -> bool:
        found = EXPRESSION.fullmatch(condition)
        return bool(self._value(found[1] if found else condition))

    def _value(self, expression: str) -> object:
        """Return the value of ``a == 'b' && c || d``, which binds as written here."""
        value: object = ""
        for alternative in expression.split("||"):
            for term in alternative.split("&&"):
                value = self._term(term.strip())
                if not value:
                    break
            if value:
                break
        return value

    def _term(self, term: str) -> object:
        for sign in ("==", "!="):
            if sign in term:
                left, right = (self._operand(side.strip()) for side in term.split(sign))
                return (left == right) is (sign == "==")
        return self._operand(term)

    def _operand(self, word: str) -> object:
        states = {
            "always()": True,
            "success()": self._succeeds(),
            "failure()": not self._succeeds(),
        }
        if word in states:
            return states[word]
        if literal := re.fullmatch(r"'([^']*)'", word):
            return literal[1]
        if not re.fullmatch(r"[a-z_]+(\.[a-z_-]+)+", word):
            message = f"an expression of a form that is not known here: {word!r}"
            raise ValueError(message)
        value: Any = {
            "github": self.github,
            "inputs": self.inputs,
            "runner": {"temp": str(self.temp)},
            "steps": {
                step: {"outputs": found, "outcome": found.get("outcome", "")}
                for step, found in self.outputs.items()
            },
        }
        for part in word.split("."):
            # As in GitHub's own: what is not there is empty.
            value = value.get(part, "") if isinstance(value, Mapping) else ""
        return value
