"""What is wrong with this install, and what to do about it."""
