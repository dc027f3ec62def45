"""What this process knows of the latest questions, beyond what is stored: a restart loses it and little else."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection

import msgspec

from bot.frontend import Posted
from bot.frontends.discord.place import Place
from bot.frontends.discord.references import message_of
from bot.mention import Mention
from jobs import ConversationId

_REMEMBERED = 5_000  # questions
_KEPT_S = 86_400.0
_SKEW_S = 60.0  # between Discord's clock and ours


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it was asked last."""

    mention: Mention  # of revision -1 where it was refused
    messages: tuple[int, ...]  # that it was read from: pictures first, words last
    posted: Posted = ()
    beside: ConversationId | None = None  # of a private question: the conversation whose pictures it is about too
    at_s: float = 0.0


class Recent:
    """The latest questions, by what they were read from, what answers them, and source."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._all_since_s = clock()
        self._asked: OrderedDict[str, Asked] = OrderedDict()  # by source
        self._sources: dict[int, str] = {}  # by message
        self._answered: dict[str, str] = {}  # sources, by what stands there
        self._shown: defaultdict[int, set[str]] = defaultdict(set)  # sources, by the message that brought a picture

    def remember(self, asked: Asked) -> None:
        """A question, or a newer revision of it."""
        source = asked.mention.source
        known = self._asked.get(source)
        if known is not None and known.mention.revision >= asked.mention.revision:
            return  # the same event again
        if known is not None:
            asked = msgspec.structs.replace(
                asked,
                posted=known.posted,
                messages=asked.messages or known.messages,
                beside=asked.beside or known.beside,
            )
            self.forget(source)
        self._add(msgspec.structs.replace(asked, at_s=self._clock()))
        while len(self._asked) > _REMEMBERED or next(iter(self._asked.values())).at_s < self._clock() - _KEPT_S:
            source, oldest = next(iter(self._asked.items()))
            self._all_since_s = oldest.at_s
            self.forget(source)

    def has_all_since(self, at_s: float) -> bool:
        """Whether whatever was asked then (seconds since 1970, by another's clock) is known here."""
        return at_s > self._all_since_s + _SKEW_S

    def note(self, source: str, posted: Posted) -> None:
        """What stands there for it now."""
        asked = self._asked.get(source)
        if asked is not None and asked.posted != posted:
            for standing in asked.posted:
                self._answered.pop(standing, None)
            self._asked[source] = msgspec.structs.replace(asked, posted=posted)
            self._answered.update(dict.fromkeys(posted, source))

    def of_message(self, message: int) -> Asked | None:
        """The question that a message was read for."""
        return self._asked.get(self._sources.get(message, ""))

    def of_answer(self, standing: str) -> Asked | None:
        """The question that one of our messages belongs to."""
        return self._asked.get(self._answered.get(standing, ""))

    def of_picture(self, message: int) -> list[Asked]:
        """The questions that were asked about a picture of this message."""
        return [self._asked[source] for source in self._shown.get(message, ())]

    def in_private(self, conversation: ConversationId, origins: Collection[str]) -> list[Asked]:
        """The questions about its pictures, or pictures from there, that are answered to nobody but their askers."""
        return [
            asked
            for asked in self._asked.values()
            if asked.beside == conversation
            or (
                any(ref.is_from(origin) for ref in asked.mention.references for origin in origins)
                and Place.read(asked.mention.reply_to).is_ephemeral
            )
        ]

    def of_source(self, source: str) -> Asked | None:
        """The question with this name."""
        return self._asked.get(source)

    def forget(self, source: str) -> None:
        """It is not to be known any more."""
        asked = self._asked.pop(source, None)
        if asked is None:
            return
        for message in asked.messages:
            self._sources.pop(message, None)
        for standing in asked.posted:
            self._answered.pop(standing, None)
        for message in _shown_by(asked):
            self._shown[message].discard(source)
            if not self._shown[message]:
                del self._shown[message]

    def forget_where(self, matches: Callable[[Mention], bool]) -> None:
        """Neither are these."""
        for source in [source for source, asked in self._asked.items() if matches(asked.mention)]:
            self.forget(source)

    def _add(self, asked: Asked) -> None:
        source = asked.mention.source
        self._asked[source] = asked
        self._sources.update(dict.fromkeys(asked.messages, source))
        self._answered.update(dict.fromkeys(asked.posted, source))
        for message in _shown_by(asked):
            self._shown[message].add(source)


def _shown_by(asked: Asked) -> set[int]:
    return {message for ref in asked.mention.references if (message := message_of(ref)) is not None}
