"""What keeps memory: capture with memray, growth per call site, leak decision."""
