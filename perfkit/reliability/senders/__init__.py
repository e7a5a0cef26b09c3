"""How one request is sent: HTTP, an MCP tool call, a Python callable."""
