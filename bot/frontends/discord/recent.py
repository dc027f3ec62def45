"""What this process knows of the latest questions, beyond what is stored: a restart loses it and little else."""

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from bot.frontend import Posted
from bot.mention import Mention

_REMEMBERED = 5_000  # questions
_KEPT_S = 86_400.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it was asked last."""

    mention: Mention
    messages: tuple[int, ...]  # that it was read from: pictures first, words last
    posted: Posted = ()
    at_s: float = 0.0


class Recent:
    """The latest questions, by the messages that they were read from and by source."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, Asked] = OrderedDict()  # by source
        self._sources: dict[int, str] = {}  # by message

    def remember(self, asked: Asked) -> None:
        """A question, or a newer revision of it."""
        source = asked.mention.source
        known = self._asked.get(source)
        if known is not None and known.mention.revision >= asked.mention.revision:
            return  # the same event again
        if known is not None:
            asked = msgspec.structs.replace(asked, posted=known.posted, messages=asked.messages or known.messages)
        self._asked[source] = msgspec.structs.replace(asked, at_s=self._clock())
        self._asked.move_to_end(source)
        self._sources.update(dict.fromkeys(asked.messages, source))
        while len(self._asked) > _REMEMBERED or next(iter(self._asked.values())).at_s < self._clock() - _KEPT_S:
            self.forget(next(iter(self._asked)))

    def note(self, source: str, posted: Posted) -> None:
        """What stands there for it now."""
        if source in self._asked:
            self._asked[source] = msgspec.structs.replace(self._asked[source], posted=posted)

    def of_message(self, message: int) -> Asked | None:
        """The question that a message was read for."""
        return self._asked.get(self._sources.get(message, ""))

    def of_source(self, source: str) -> Asked | None:
        """The question with this name."""
        return self._asked.get(source)

    def forget(self, source: str) -> None:
        """It is not to be known any more."""
        asked = self._asked.pop(source, None)
        if asked is not None:
            for message in asked.messages:
                self._sources.pop(message, None)

    def forget_where(self, matches: Callable[[Mention], bool]) -> None:
        """Neither are these."""
        for source in [source for source, asked in self._asked.items() if matches(asked.mention)]:
            self.forget(source)
