"""Pure functions of a report: terminal, Markdown, JSON."""
