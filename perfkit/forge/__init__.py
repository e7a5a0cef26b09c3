"""Facts about revisions, from git."""
