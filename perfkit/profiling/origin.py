"""Where a recording of the working tree comes from, and which files were its own."""

from pathlib import Path

from perfkit.errors import UsageError
from perfkit.forge.diff import tracked
from perfkit.forge.git import Repository
from perfkit.profiling.saved import Origin
from perfkit.profiling.sources import Sources, sources


def origin_of(folder: Path) -> Origin:
    """Return the origin of what runs in ``folder``: its repository's HEAD, or the folder itself."""
    try:
        repository = Repository.around(folder)
        head = repository.working_tree()
    except UsageError:
        # No repository, or one without a commit: profiles are for anybody's folder.
        return Origin(roots=(str(folder.resolve()),))
    return Origin(roots=(str(repository.root),), commit=head.commit, dirty=head.dirty)


def sources_of(origin: Origin, repository: Repository | None) -> Sources:
    """Return the project's files at the origin's commit.

    Of uncommitted work those of the working tree, the nearest there is; every file below the roots
    where the commit is not known here.
    """
    if repository is None or not origin.commit:
        return sources(origin.roots, None)
    if origin.dirty:
        return sources(origin.roots, tracked(repository))
    listed = repository.git("ls-tree", "-r", "--name-only", "-z", "--full-tree", origin.commit)
    return sources(origin.roots, (name for name in listed.split("\0") if name))
