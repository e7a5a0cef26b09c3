"""What a refusal of GitHub or GitLab means, and which permission or setting to change."""

from http import HTTPStatus

GITHUB: tuple[tuple[int, tuple[str, ...], str], ...] = (
    (
        HTTPStatus.UNAUTHORIZED,
        (),
        (
            "the token is not valid (any more); pass GITHUB_TOKEN: ${{ github.token }} in the"
            " step's env, or renew the secret"
        ),
    ),
    (
        HTTPStatus.FORBIDDEN,
        ("not accessible",),
        (
            "the token may not do that; add `@PERMISSION@` to the job's permissions. The token of a"
            " pull request from a fork is read-only whatever the workflow says: post from a"
            " workflow_run workflow with perfkit comment --from-artifact"
        ),
    ),
    (
        HTTPStatus.FORBIDDEN,
        ("locked",),
        "the conversation is locked; unlock it, or set comment.policy to never",
    ),
    (
        HTTPStatus.FORBIDDEN,
        ("archived",),
        "the repository is archived and read-only; unarchive it to post",
    ),
    (
        HTTPStatus.FORBIDDEN,
        ("saml", "sso"),
        "the organization wants single sign-on; authorize the token for it",
    ),
    (
        HTTPStatus.FORBIDDEN,
        (),
        (
            "the token may not do that; give it `@PERMISSION@`, and look whether the organization's"
            " settings or an IP allow list forbid it"
        ),
    ),
    (
        HTTPStatus.NOT_FOUND,
        (),
        (
            "not found, or the token may not see it; check GITHUB_REPOSITORY and the number, and"
            " that the token has `@PERMISSION@` for this repository"
        ),
    ),
    (
        HTTPStatus.GONE,
        (),
        "it was deleted, or issues are switched off in the repository's settings",
    ),
    (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        (),
        (
            "GitHub does not accept the content; it may be too long, or the author may be blocked"
            " or limited under Settings > Moderation"
        ),
    ),
    (
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
        (),
        "the repository is blocked for legal reasons; its owner has to resolve that",
    ),
)
"""(status, words of the server of which one is there, what to do); the first that fits counts."""


def github_refusal(status: int, said: str, *, doing: str, permission: str) -> str:
    """Return the sentence for GitHub's ``status``; ``doing`` names what was tried.

    ``permission`` is the line under ``permissions:`` that would allow it.
    """
    words = said.lower()
    for listed, signs, told in GITHUB:
        if status == listed and (not signs or any(sign in words for sign in signs)):
            return _sentence(doing, status, told.replace("@PERMISSION@", permission), said)
    return _sentence(doing, status, "GitHub refused", said)


def gitlab_refusal(status: int, said: str, *, doing: str) -> str:
    """Return the sentence for GitLab's ``status``; ``doing`` names what was tried."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            told = (
                "the token is not valid (any more); put a project access token with the scope api"
                " into the masked variable GITLAB_TOKEN (CI_JOB_TOKEN cannot write notes)"
            )
        case HTTPStatus.FORBIDDEN:
            told = (
                "the token may not do that; give GITLAB_TOKEN the scope api and the role Reporter"
                " or higher. Pipelines of forks do not get the variables of the project: run them"
                " in the parent project"
            )
        case HTTPStatus.NOT_FOUND:
            told = (
                "not found, or the token may not see it; check that GITLAB_TOKEN belongs to this"
                " project, and that a protected variable is not wanted by an unprotected branch"
            )
        case HTTPStatus.GONE:
            told = "it was deleted"
        case HTTPStatus.UNPROCESSABLE_ENTITY | HTTPStatus.BAD_REQUEST:
            told = "GitLab does not accept the content; it may be too long"
        case HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            told = "the project is blocked for legal reasons; its owner has to resolve that"
        case _:
            told = "GitLab refused"
    return _sentence(doing, status, told, said)


def _sentence(doing: str, status: int, told: str, said: str) -> str:
    words = f' The server said: "{said}".' if said else ""
    return f"{doing} was refused with {status}: {told}.{words}"
