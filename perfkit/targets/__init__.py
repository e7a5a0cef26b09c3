"""What can be measured, and the child process it runs in."""
