"""What the bot needs to be allowed, in Discord's own words."""

from collections.abc import Iterable

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


def missing(permissions: discord.Permissions) -> tuple[str, ...]:
    """What is needed and not there, by discord.py's names."""
    return tuple(name for name in NEEDED if not getattr(permissions, name))


def title_of(name: str) -> str:
    """What Discord calls a permission."""
    return NEEDED[name][0]


def missing_in(channel: object) -> tuple[str, ...]:
    """What is needed and not there, in a channel of a server; nothing where that is not known."""
    guild = getattr(channel, "guild", None)
    if guild is None or guild.me is None:
        return ()
    try:
        return missing(channel.permissions_for(guild.me))  # type: ignore[attr-defined]  # every channel of a server
    except discord.ClientException:  # a thread whose channel is not known
        return ()


def lacking(names: Iterable[str]) -> str:
    """The sentence that names what somebody has to allow.

    >>> lacking(["send_messages"])
    'I lack the permission "Send Messages" there'
    """
    titles = [f'"{title_of(name)}"' for name in names]
    return f"I lack the permission{'s' if len(titles) > 1 else ''} {' and '.join(titles)} there"
