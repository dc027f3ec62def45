"""Pictures from strangers are opened in processes of their own, with memory and time limits.

`pool.Sandbox` is the bot's end. `decoder` is the program at the other end; it imports this package at every start,
so nothing is imported here.
"""
