"""Every refusal of a forge with the sentence that says what to change, as a golden file.

``PYTHONPATH=. python tests/forge/test_refusals.py`` writes it anew.
"""

from collections.abc import Iterator
from pathlib import Path

from perfkit.forge.refusals import GITHUB, github_refusal, gitlab_refusal

GOLDEN = Path(__file__).parent / "golden" / "refusals.txt"
STATUSES = (400, 401, 403, 404, 410, 422, 451, 418)
SAID = "words of the server"


def sentences() -> Iterator[str]:
    """Yield the sentence of every listed refusal, and of one that nobody foresaw."""
    told = [(status, signs[0] if signs else SAID) for status, signs, _ in GITHUB]
    for status, said in (*told, (418, SAID), (403, "")):
        yield github_refusal(
            status, said, doing="writing the comment", permission="pull-requests: write"
        )
    for status in STATUSES:
        yield gitlab_refusal(status, SAID, doing="writing the note")
    yield gitlab_refusal(404, "", doing="writing the note")


def test_every_refusal_says_what_to_change() -> None:
    assert "\n".join(sentences()) + "\n" == GOLDEN.read_text("utf-8")


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("\n".join(sentences()) + "\n", "utf-8")
