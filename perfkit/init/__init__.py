"""The first files of a project that is measured: configuration, an asv suite, a CI workflow."""
