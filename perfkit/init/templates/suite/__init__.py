"""The asv suite: every class whose methods start with ``time_``, ``peakmem_`` or ``track_``."""
