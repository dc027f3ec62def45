"""What the bot needs to be allowed, in Discord's own words."""

from collections.abc import Iterator

import discord

# By discord.py's name: what Discord calls it in its settings, and what does not work without it.
NEEDED = {
    "view_channel": ("View Channels", "see the channel"),
    "send_messages": ("Send Messages", "answer in channels"),
    "send_messages_in_threads": ("Send Messages in Threads", "answer in threads"),
    "create_public_threads": ("Create Public Threads", "open a thread for an answer"),
    "attach_files": ("Attach Files", "send a long answer as a file"),
    "read_message_history": ("Read Message History", "look at the message that is replied to, or forwarded"),
}


def needed() -> discord.Permissions:
    """Exactly what is needed, and nothing else."""
    return discord.Permissions(**dict.fromkeys(NEEDED, True))


def missing(permissions: discord.Permissions) -> Iterator[str]:
    """The names, as Discord's settings show them, of what is needed and not there."""
    for name, (title, _) in NEEDED.items():
        if not getattr(permissions, name):
            yield title


def title_of(name: str) -> str:
    """What Discord calls a permission."""
    return NEEDED[name][0]


def quoted(titles: list[str]) -> str:
    """`"Send Messages" and "Attach Files"`."""
    return " and ".join(f'"{title}"' for title in titles)
