"""The command line: both sides on one machine, with an embedded Valkey."""
