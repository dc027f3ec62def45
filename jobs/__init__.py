"""The contract between the chat side and the model side: values, the queue, and the three stores."""

from jobs.answer import AnswerEvent, AnswerReader, Cancelled, Delta, Done, Ending, Failed, Started, Usage
from jobs.conversation import Conversation, ConversationId, ConversationStore, Forgotten, Turn, pictures_shown
from jobs.eraser import Eraser
from jobs.health import Health, Monitor
from jobs.job import Job, JobId, JobKind, Sampling
from jobs.picture import Picture, PictureRef, PictureStore, digest_of
from jobs.queue import Cancellation, Claim, Position, Pulse, QueueIn, QueueOut, Reaper, Submission
from jobs.reply import Delivery, Leases, ReplyLedger
from jobs.silence import Silences

__all__ = [
    "AnswerEvent",
    "AnswerReader",
    "Cancellation",
    "Cancelled",
    "Claim",
    "Conversation",
    "ConversationId",
    "ConversationStore",
    "Delivery",
    "Delta",
    "Done",
    "Ending",
    "Eraser",
    "Failed",
    "Forgotten",
    "Health",
    "Job",
    "JobId",
    "JobKind",
    "Leases",
    "Monitor",
    "Picture",
    "PictureRef",
    "PictureStore",
    "Position",
    "Pulse",
    "QueueIn",
    "QueueOut",
    "Reaper",
    "ReplyLedger",
    "Sampling",
    "Silences",
    "Started",
    "Submission",
    "Turn",
    "Usage",
    "digest_of",
    "pictures_shown",
]
