"""A conversation: its name, its turns, and where they are kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Self
from urllib.parse import quote, unquote

import msgspec

from jobs.picture import Picture

# The latest of a conversation that never rests. A context of 16,384 tokens shows fewer, and one load of twice as many,
# at which the older half goes, takes Redis 40 ms. In one cut: each one changes the prefix that caches rest on.
TURNS_KEPT = 200
MARK_KEPT_S = 365 * 86_400.0  # that something was forgotten is known for longer than anything is remembered


class ConversationId(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """`platform:tenant:channel:thread`. Every key, cache and permission carries it whole.

    A DM is its channel with thread `-`; a slash command in a channel is a conversation of its own (the
    interaction's id as thread); in Slack Connect the tenant is the installing workspace.

    >>> str(ConversationId(platform="slack", tenant="T1", channel="C:9", thread="17.5"))
    'slack:T1:C%3A9:17.5'
    """

    platform: str
    tenant: str
    channel: str
    thread: str = "-"

    def __str__(self) -> str:
        parts = (self.platform, self.tenant, self.channel, self.thread)
        return ":".join(quote(part, safe="") for part in parts)

    @property
    def tenant_key(self) -> str:
        """`platform:tenant`, escaped: what owns pictures, features, fairness and limits."""
        return f"{quote(self.platform, safe='')}:{quote(self.tenant, safe='')}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The inverse of `str`.

        Raises:
            ValueError: not four parts.
        """
        platform, tenant, channel, thread = (unquote(part) for part in text.split(":"))
        return cls(platform=platform, tenant=tenant, channel=channel, thread=thread)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer, as the history keeps them.

    `token_ids` are the answer's ids as generated; they are used again only under the same tokeniser
    `fingerprint`, otherwise `answer` is tokenised anew. An empty `answer` (the question failed or was stopped before
    the first word) still keeps its pictures in the conversation.
    """

    source: str  # the platform's event or message id; with `revision` the job it came from
    revision: int = 0
    kind: str  # a JobKind value
    question: str
    prompt: str = ""  # what the model was asked, word for word: the same again keeps cached prefixes usable
    pictures: tuple[Picture, ...] = ()  # those that this question brought, numbered
    again: tuple[Picture, ...] = ()  # those of earlier turns that came with it once more
    answer: str = ""
    token_ids: tuple[int, ...] = ()
    fingerprint: str = ""
    asker: str = ""
    one_shot: bool = False  # read beside the conversation (`/ocr` on an older picture): it brought no new one


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's turns, oldest first. Forgetting raises `epoch`, so no cache of before can be mistaken.

    `dropped` are pictures that somebody took out: no turn shows them, their numbers stay taken, and what came from
    there is not taken in again. `forgotten_at_s` (store's time, seconds since 1970; 0: never) is when somebody last
    wanted it forgotten: what stood on the platform by then is not read again.

    `withdrawn` are files that were deleted while a question brought them, as (source, origin): it does without.

    `askers` are those of every question, answered or not. `last_source` and `last_revision` are the question asked
    last, the only one that can be asked again: as the next revision, whatever became of this one.
    """

    id: ConversationId
    epoch: int = 0
    turns: tuple[Turn, ...] = ()
    dropped: tuple[Picture, ...] = ()
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    forgotten_at_s: float = 0.0
    askers: frozenset[str] = frozenset()
    last_source: str = ""
    last_revision: int = 0

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture that the turns show, in order of appearance."""
        return tuple(picture for _, picture in pictures_shown(self.turns))

    def find_picture(self, number: int) -> tuple[str, Picture] | None:
        """The picture of that number, with the source of the turn that shows it."""
        shown = pictures_shown(self.turns)
        return next(((source, picture) for source, picture in shown if picture.number == number), None)

    def has_twin_of(self, picture: Picture) -> bool:
        """Another picture of the same bytes is shown: they are needed as long as one of them is."""
        return any(other.digest == picture.digest and other.number != picture.number for other in self.pictures)

    def leaves(self, source: str, pictures: Iterable[Picture]) -> tuple[Picture, ...]:
        """What a question still brings of its pictures."""
        return pictures_left(self.withdrawn, source, pictures)

    def without(self, dropped: Iterable[Picture]) -> Self:
        """The same conversation with these pictures taken out of its turns."""
        gone = tuple(dict.fromkeys(dropped))
        names = {picture.identity for picture in gone}

        def left(pictures: Iterable[Picture]) -> tuple[Picture, ...]:
            return tuple(picture for picture in pictures if picture.identity not in names)

        turns = (
            msgspec.structs.replace(turn, pictures=left(turn.pictures), again=left(turn.again)) for turn in self.turns
        )
        return msgspec.structs.replace(self, turns=tuple(turns), dropped=gone) if gone else self


def pictures_shown(turns: Sequence[Turn]) -> Iterator[tuple[str, Picture]]:
    """Every picture of these turns once, in order of appearance, with the source of the turn that shows it.

    One that came again outlives the question that brought it: then the turn that it came again with shows it.
    """
    seen = {picture.identity for turn in turns for picture in turn.pictures}
    for turn in turns:
        left = {picture.identity: picture for picture in turn.again if picture.identity not in seen}
        seen |= left.keys()
        for picture in (*left.values(), *turn.pictures):
            yield turn.source, picture


def pictures_left(
    withdrawn: Iterable[tuple[str, str]], source: str, pictures: Iterable[Picture]
) -> tuple[Picture, ...]:
    """A question's pictures less those of its files that were `withdrawn`: see `Conversation`."""
    origins = [origin for withdrawn_from, origin in withdrawn if withdrawn_from == source]
    return tuple(picture for picture in pictures if not any(map(picture.ref.is_from, origins)))


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What a forget removed: said to the person who asked for it."""

    conversations: int = 0
    turns: int = 0
    pictures: int = 0  # picture bytes no longer used by any conversation

    @classmethod
    def all_of(cls, parts: "Iterable[Forgotten]") -> "Forgotten":
        """What several forgettings removed together."""
        counted = list(parts)
        return cls(
            conversations=sum(part.conversations for part in counted),
            turns=sum(part.turns for part in counted),
            pictures=sum(part.pictures for part in counted),
        )


class ConversationStore(Protocol):
    """Histories by conversation; each lives until its retention time after the last use.

    Forgetting raises the conversation's epoch, ends its queued jobs, asks the running one to stop, releases its
    pictures and tells every worker (`QueueOut.heartbeat`), also when the conversation is idle. What is left of a
    conversation, or a person's part in it, that was forgotten is a mark without words (`Conversation.forgotten_at_s`),
    for a year.
    """

    async def load(self, conversation: ConversationId) -> Conversation:
        """The turns so far; an unknown conversation is an empty one."""
        ...

    async def with_source(self, tenant_key: str, channel: str, source: str) -> frozenset[ConversationId]:
        """Those of a channel that have this question, answered or not: for whoever knows no more of it."""
        ...

    async def forget(self, conversation: ConversationId) -> Forgotten:
        """Everything of this conversation."""
        ...

    async def forget_source(self, conversation: ConversationId, source: str) -> Forgotten:
        """One question with its answer and the pictures that only it brought (its message was deleted).

        What came again with another question stays, and that one's turn shows it. While another question takes its
        pictures in, they may be among those: they go, or stay, when that is over.
        """
        ...

    async def forget_asker(self, tenant_key: str, asker: str) -> Forgotten:
        """Every question of one person within one tenant."""
        ...
