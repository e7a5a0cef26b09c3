"""Notes of the merge requests of one GitLab project.

https://docs.gitlab.com/api/notes, https://docs.gitlab.com/api/commits
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from perfkit.errors import PostingError
from perfkit.forge.event import Occasion
from perfkit.forge.http import Client, Explain
from perfkit.forge.refusals import gitlab_refusal
from perfkit.forge.sticky import Posted


def credential(token: str) -> Mapping[str, str]:
    """Return the headers of every request."""
    return {"PRIVATE-TOKEN": token, "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class GitLab:
    """The project with this id (or path) behind ``client``."""

    client: Client
    project: str

    def author(self) -> str:
        """Return whose notes are ours: the user that the token stands for."""
        match self.client.read("user", _explain("asking who the token is")):
            case {"username": str(name)} if name:
                return name
        raise PostingError(
            f"{self.client.api}: found no username in the answer, wanted whom GITLAB_TOKEN belongs"
            " to; renew the token."
        )

    def numbers_of(self, occasion: Occasion) -> list[int]:
        """Return the open merge requests whose head is ``occasion.sha``."""
        path = f"{self._at}/repository/commits/{occasion.sha}/merge_requests"
        return [
            row["iid"]
            for row in self.client.pages(path, _explain("looking for the merge request"))
            if row.get("state") == "opened"
            and row.get("sha") == occasion.sha
            and isinstance(row.get("iid"), int)
        ]

    def comments(self, number: int) -> list[Posted]:
        """Return every note of a merge request, from all pages."""
        path = f"{self._at}/merge_requests/{number}/notes"
        return [_posted(row) for row in self.client.pages(path, _explain("listing the notes"))]

    def comment(self, number: int, comment: int) -> Posted:
        """Return a note as it is now."""
        path = f"{self._at}/merge_requests/{number}/notes/{comment}"
        return _posted(self.client.read(path, _explain("reading the note")))

    def create(self, number: int, body: str) -> Posted:
        """Create a note; UnansweredError where it is not known whether it exists now."""
        path = f"{self._at}/merge_requests/{number}/notes"
        return _posted(
            self.client.write("POST", path, _explain("writing the note"), {"body": body})
        )

    def update(self, number: int, comment: int, body: str) -> None:
        """Replace the text of a note."""
        path = f"{self._at}/merge_requests/{number}/notes/{comment}"
        self.client.write("PUT", path, _explain("updating the note"), {"body": body})

    def delete(self, number: int, comment: int) -> None:
        """Delete a note."""
        path = f"{self._at}/merge_requests/{number}/notes/{comment}"
        self.client.write("DELETE", path, _explain("removing the duplicate"))

    @property
    def _at(self) -> str:
        return f"projects/{quote(self.project, safe='')}"


def _explain(doing: str) -> Explain:
    return lambda status, said: gitlab_refusal(status, said, doing=doing)


def _posted(row: object) -> Posted:
    match row:
        case {"id": int(number), "body": str(text), "author": {"username": str(name)}}:
            return Posted(number, name, text)
    raise PostingError("the API answered with a note of an unknown shape; check CI_API_V4_URL.")
