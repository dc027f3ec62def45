"""A small Discord on loopback, against which the real discord.py speaks over real sockets."""
