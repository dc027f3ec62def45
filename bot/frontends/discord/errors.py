"""What Discord answers when it does not do what we ask, in words.

Unavailable
    TokenRefused        at the start: nothing works until somebody sets another token
    DiscordAway         at the start: Discord cannot be reached; later: it has ended the connection for good
    PostRefused         a post or an edit will not be taken like this, however often it is tried
        MessageGone     what was to be edited is not there any more
        ThreadArchived
        ChannelClosed   the channel is gone, or we may not do this in it
        TokenExpired    an interaction's fifteen minutes are over
        TooManyPosts    not within the time that anybody would wait
Refused
    NotYours, NoPictureThere, TwoPicturesNeeded, NothingHere   what a command or a button says to whoever used it
"""

import structlog

from bot.errors import BotFailed
from jobs.errors import Refused, ThreadsightError, Unavailable

log = structlog.get_logger()


class TokenRefused(Unavailable):
    """Discord does not accept DISCORD_TOKEN.

    Copy it again from the developer portal: your application, Bot, Reset Token.
    """


class DiscordAway(Unavailable):
    """Discord cannot be reached ({reason})."""


class PostRefused(Unavailable):
    """Discord does not take the post ({reason})."""


class MessageGone(PostRefused):
    """The message is not there any more."""


class ThreadArchived(PostRefused):
    """The thread is archived."""


class ChannelClosed(PostRefused):
    """{reason}."""


class TokenExpired(PostRefused):
    """A command can be answered for fifteen minutes only."""


class TooManyPosts(PostRefused):
    """Discord did not take it within {patience_s:g} s."""


class NotYours(Refused):
    """Only whoever asked, or a moderator, can do that."""


class NoPictureThere(Refused):
    """There is no picture in that message."""


class TwoPicturesNeeded(Refused):
    """Comparing takes two pictures or more. Please give them, or use the command in a thread that has them."""


class NothingHere(Refused):
    """I remember nothing here. Mention me with a picture to begin."""


def in_words(error: Exception) -> ThreadsightError:
    """What a person is told of anything that went wrong: a bug of ours goes to the log, and they hear that there is one."""
    if isinstance(error, ThreadsightError):
        return error
    log.error("something failed that nobody expected", exc_info=error)
    return BotFailed()
