"""What on this machine adds noise to measurements, what is missing, and what to do about it."""
