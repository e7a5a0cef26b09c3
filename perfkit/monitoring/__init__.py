"""Production: objectives, alerts, who is told, and the same rules for other tools."""
