"""A job: one revision of one question, from acceptance to its single ending."""

import enum
from typing import Self
from urllib.parse import quote, unquote

import msgspec

from jobs.conversation import ConversationId
from jobs.picture import PictureRef


class JobKind(enum.StrEnum):
    """What is asked for: each has its own prompt preset and its own crops."""

    ASK = "ask"
    OCR = "ocr"
    COMPARE = "compare"
    DESCRIBE = "describe"


class JobId(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """(tenant, source, revision): the same event is the same job, however often the platform sends it.

    `revision` 0 is the question; 1, 2 ... are its edits and regenerations, and a newer one cancels the older.

    >>> str(JobId(tenant_key="slack:T1", source="C9/17.5", revision=0))
    'slack:T1:C9%2F17.5:0'
    """

    tenant_key: str
    source: str
    revision: int = 0

    @property
    def platform(self) -> str:
        """Where it was asked."""
        return self.tenant_key.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.tenant_key}:{quote(self.source, safe='')}:{self.revision}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The inverse of `str`.

        Raises:
            ValueError: not the four parts that `str` writes.
        """
        platform, tenant, source, revision = text.split(":")
        return cls(tenant_key=f"{platform}:{tenant}", source=unquote(source), revision=int(revision))


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is drawn. None: the worker's own default (greedy, at most 1,000 new tokens)."""

    temperature: float | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of one question. `accepted_at_s` (Redis time, seconds) is filled in by `submit`."""

    conversation: ConversationId
    source: str
    revision: int = 0
    kind: JobKind = JobKind.ASK
    text: str = ""
    context: str = ""  # what was said there before the bot was first asked
    references: tuple[PictureRef, ...] = ()
    asker: str = ""
    sampling: Sampling = Sampling()
    patience_s: float = 600.0  # from acceptance until a worker begins; then the asker is told
    reply_to: str = ""  # where the answer goes; only its front end reads it
    accepted_at_s: float = 0.0

    @property
    def id(self) -> JobId:
        """Its name: the same event is the same job."""
        return JobId(tenant_key=self.conversation.tenant_key, source=self.source, revision=self.revision)

    @property
    def deadline_s(self) -> float:
        """Redis time at which waiting ends."""
        return self.accepted_at_s + self.patience_s
