"""What can go wrong between a mention and its answer, on the chat side.

Refused                         the person can do something about it
    NotAllowed                  not this person, or not here
    RateLimited
    NothingAsked
    NothingToSee                the question came with pictures, and every one of them was refused
    NoSuchFile
    Unfetchable                 a front end cannot bring the bytes of a reference; intake says it with the file's name
    PictureRefused              one file of the question, by its `name`; the others go on without it
        PictureTooLarge         in bytes
        PictureTooManyPixels    by its header, before anything is decoded
        PictureTooNarrow
        PictureNeedsExtra       its format's library is not installed
        PictureTooHeavy         more memory than a decoder may use
        PictureTooSlow          to arrive, or to decode
        PictureNotFetched
        PictureBroken
        PictureLocked           a PDF with a password
        PictureDropped          from this conversation, by somebody who wanted it out
        NotAPicture
        TooManyPictures
        PagesLeftOut            of a PDF; its first pages are taken in
        FramesLeftOut           of an animation, or of a file of several pictures; its first one is taken in
Unavailable                     somebody else must do something about it
    NotPosted                   the platform did not take a post; worth trying again
    PlaceGone                   the thread is deleted or closed to us; nothing can be posted any more
    NoFrontend                  nothing to serve
    AnswerUnwritten             it is there, and standard output does not take it
    AnswerPending               this process can wait for it no longer; the delivery is still owed
    BotFailed                   a bug of ours; the log has it

The docstring of a leaf is the sentence that a person reads; see `jobs.errors`.
"""

from jobs.errors import Refused, Unavailable


class NotAllowed(Refused):
    """You may not ask here. Whoever runs this bot decides who may, and where."""


class RateLimited(Refused):
    """That is faster than this bot may be asked. Please try again in {wait_s:.0f} s."""


class NothingAsked(Refused):
    """Nothing was asked. Please write a question, or send a picture."""


class NothingToSee(Refused):
    """{verdicts} No picture is left to answer about."""


class NoSuchFile(Refused):
    """There is no file {path}."""


class Unfetchable(Refused):
    """It cannot be fetched ({reason})."""


class PictureRefused(Refused):
    """{name} skipped."""


class PictureTooLarge(PictureRefused):
    """{name} skipped: {size}, the limit is {limit_mb:g}."""


class PictureTooManyPixels(PictureRefused):
    """{name} skipped: {width} x {height} pixels, the limit is {limit_megapixels:g} megapixels."""


class PictureTooNarrow(PictureRefused):
    """{name} skipped: at {width} x {height} pixels it is too narrow to see anything in it."""


class PictureNeedsExtra(PictureRefused):
    """{name} skipped: {format} needs the `bot` extra (pip install 'threadsight[bot]')."""


class PictureTooHeavy(PictureRefused):
    """{name} skipped: opening it takes more memory than a picture may use."""


class PictureTooSlow(PictureRefused):
    """{name} skipped: it took more than {limit_s:g} s to {what}."""


class PictureNotFetched(PictureRefused):
    """{name} skipped: it cannot be fetched ({reason})."""


class PictureBroken(PictureRefused):
    """{name} skipped: the file is damaged or cut short."""


class PictureLocked(PictureRefused):
    """{name} skipped: it is locked with a password."""


class PictureDropped(PictureRefused):
    """Picture {number} was dropped from this conversation. Please post it again to have it back."""


class NotAPicture(PictureRefused):
    """{name} skipped: it is {found}, not a picture."""


class TooManyPictures(PictureRefused):
    """{name} skipped: the limit is {limit} pictures a question."""


class PagesLeftOut(PictureRefused):
    """Page {page} and later of {name} were left out."""


class FramesLeftOut(PictureRefused):
    """Only the first picture in {name} is looked at; the file holds several."""


class NotPosted(Unavailable):
    """The platform did not take the post ({reason})."""

    passes = True  # by itself; False: what was refused now will be refused later, too

    @property
    def retry_after_s(self) -> float | None:
        """A further fact, `retry_after_s=`: when the platform said to come back, in seconds."""
        seconds = self.facts.get("retry_after_s")
        return float(seconds) if isinstance(seconds, int | float) else None


class PlaceGone(Unavailable):
    """Nothing can be posted there any more ({reason})."""


class AnswerUnwritten(Unavailable):
    """The answer could not be written ({reason})."""


class NoFrontend(Unavailable):
    """There is no chat platform to serve, so only the shell answers (threadsight ask).

    Set DISCORD_TOKEN for Discord, SLACK_BOT_TOKEN and SLACK_APP_TOKEN for Slack.
    """


class AnswerPending(Unavailable):
    """The answer cannot be waited for here any longer. It will be shown with the next question."""


class BotFailed(Unavailable):
    """Something went wrong on our side, and the log says what. Please ask again."""
