"""What can go wrong in the command line, beyond what the two sides name themselves.

Refused
    NoSuchFile
    NoPictures              a question without a picture that follows nothing
    NothingToFollow         -f, and nothing was asked before
Unavailable
    ExtraMissing            this part of the package is not installed
"""

from jobs.errors import Refused, Unavailable


class NoSuchFile(Refused):
    """There is no file {path}."""


class NoPictures(Refused):
    """Which picture? Name one before the question, or continue the last conversation with -f."""


class NothingToFollow(Refused):
    """There is no conversation to continue yet. Ask about a picture first."""


class ExtraMissing(Unavailable):
    """This needs the `{extra}` extra (pip install 'threadsight[{extra}]')."""
