"""What can go wrong in the command line, beyond what the two sides name themselves.

Refused
    NoPictures              a question about nothing
    NothingToFollow         -f, and nothing was asked before
    ConversationGone        -f, and what was asked before is not kept any more
    ApplicationIdWrong      no application of Discord has such an id
Unavailable
    ApplicationUnknown      whose invitation is wanted
    NoSpaceLeft             for the output, or for what is kept
    HomeUnusable            there is nowhere to keep anything
    ExtraMissing            this part of the package is not installed
    Broken                  a bug of ours
"""

from jobs.errors import Refused, Unavailable


class NoPictures(Refused):
    """Which picture? Name one before the question, or continue the last conversation with -f."""


class NothingToFollow(Refused):
    """There is no conversation to continue yet. Ask about a picture first."""


class ConversationGone(Refused):
    """The last conversation is not kept any more. Ask about a picture first."""


class ApplicationIdWrong(Refused):
    """That is no application's id: it is a number (the developer portal shows it under General Information)."""


class ApplicationUnknown(Unavailable):
    """Set DISCORD_TOKEN, or give the application's id (the developer portal shows it under General Information)."""


class NoSpaceLeft(Unavailable):
    """There is no space left where this had to be written."""


class HomeUnusable(Unavailable):
    """The folder {folder} cannot be used ({reason}). Set THREADSIGHT_HOME to another."""


class ExtraMissing(Unavailable):
    """This needs the `{extra}` extra (pip install 'threadsight[{extra}]')."""


class Broken(Unavailable):
    """Something broke that should not ({reason}). {log} has the whole story."""
