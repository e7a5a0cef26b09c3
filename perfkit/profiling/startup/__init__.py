"""What the Python processes of a recorded target read at their start."""
