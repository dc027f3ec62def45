"""A mention: what a front end makes of an event in which somebody asks something."""

import msgspec

from jobs import ConversationId, Job, JobKind, PictureRef, Sampling

ANOTHER_DRAW = Sampling(
    temperature=0.7, top_p=0.95
)  # for who wants another answer: drawn greedily it would be the same


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks what, where. Platform ids stay as the platform writes them.

    `source` names the event that asks (a message, an interaction), `revision` its edits and regenerations.
    `reply_to` is read by the same front end only, when it opens the reply. `roles` are for admission and go no
    further; `context` is what people wrote there before the bot was first asked; `from_owner` is true where whoever asks runs the machine, and is always admitted.
    """

    conversation: ConversationId
    source: str
    asker: str
    revision: int = 0
    kind: JobKind = JobKind.ASK
    text: str = ""
    context: str = ""
    references: tuple[PictureRef, ...] = ()
    reply_to: str = ""
    roles: frozenset[str] = frozenset()
    from_owner: bool = False
    sampling: Sampling = Sampling()

    @property
    def asks_something(self) -> bool:
        """There is a question, a picture, or a task that looks at the conversation's pictures."""
        return bool(self.text.strip() or self.references or self.kind is not JobKind.ASK)

    def as_job(self, *, patience_s: float) -> Job:
        """The question as the queue takes it."""
        return Job(
            conversation=self.conversation,
            source=self.source,
            revision=self.revision,
            kind=self.kind,
            text=self.text.strip(),
            context=self.context,
            references=self.references,
            asker=self.asker,
            sampling=self.sampling,
            patience_s=patience_s,
            reply_to=self.reply_to,
        )
