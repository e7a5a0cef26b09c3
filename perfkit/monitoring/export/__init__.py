"""The same rules for other tools: file name -> text, from the same YAML."""
