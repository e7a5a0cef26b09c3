"""The reference critical path: lecture transcripts parsed, corrected, romanised and served."""
