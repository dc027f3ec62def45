"""Everything that is stored, opened together: what `jobs.memory` and `jobs.redis` hand out."""

from dataclasses import dataclass

from jobs.answer import AnswerReader
from jobs.conversation import ConversationStore
from jobs.eraser import Eraser
from jobs.health import Monitor
from jobs.picture import PictureStore
from jobs.queue import QueueIn, QueueOut, Reaper
from jobs.reply import Leases, ReplyLedger
from jobs.settings import StoreSettings
from jobs.silence import Silences


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The ports of the contract over one store, and what it promises. Each side takes the few it needs."""

    settings: StoreSettings
    queue_in: QueueIn
    queue_out: QueueOut
    reaper: Reaper
    answers: AnswerReader
    conversations: ConversationStore
    eraser: Eraser
    pictures: PictureStore
    replies: ReplyLedger
    leases: Leases
    silences: Silences
    monitor: Monitor
