"""Where the time goes: capture with pyinstrument, then pure readings of the capture."""
