"""Everything that is stored, opened together: what `jobs.memory` and `jobs.redis` hand out."""

from dataclasses import dataclass

from jobs.answer import AnswerReader
from jobs.conversation import ConversationStore
from jobs.picture import PictureStore
from jobs.queue import QueueIn, QueueOut, Reaper
from jobs.reply import Leases, ReplyLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The ports of the contract over one store. Each side takes the few it needs."""

    queue_in: QueueIn
    queue_out: QueueOut
    reaper: Reaper
    answers: AnswerReader
    conversations: ConversationStore
    pictures: PictureStore
    replies: ReplyLedger
    leases: Leases
