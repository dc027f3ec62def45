"""Values as they are stored: msgspec's JSON, readable in redis-cli."""

from urllib.parse import quote

import msgspec

from jobs.answer import AnswerEvent, Ending
from jobs.conversation import Turn
from jobs.job import Job
from jobs.picture import Picture

encode = msgspec.json.Encoder().encode
read_turn = msgspec.json.Decoder(Turn).decode
read_event = msgspec.json.Decoder(AnswerEvent).decode
read_ending = msgspec.json.Decoder(Ending).decode
read_picture = msgspec.json.Decoder(Picture).decode
read_pictures = msgspec.json.Decoder(tuple[Picture, ...]).decode
read_texts = msgspec.json.Decoder(tuple[str, ...]).decode

_decode_job = msgspec.json.Decoder(Job).decode


def read_job(stored: bytes, accepted_at_s: bytes) -> Job:
    """The job, with the time at which Redis accepted it.

    Raises:
        msgspec.MsgspecError: not written by this version or an older one.
    """
    return msgspec.structs.replace(_decode_job(stored), accepted_at_s=float(accepted_at_s))


def husk_of(job: Job) -> Job:
    """What stays of a forgotten job: its place and where the answer goes, none of its words."""
    return Job(
        conversation=job.conversation,
        source=job.source,
        revision=job.revision,
        kind=job.kind,
        patience_s=job.patience_s,
        reply_to=job.reply_to,
    )


def place_of(tenant_key: str, channel: str | None) -> str:
    """How the names of the conversations of a tenant, or of one of its channels, begin."""
    return f"{tenant_key}:" if channel is None else f"{tenant_key}:{quote(channel, safe='')}:"


def escape_source(source: str) -> str:
    """A source as it stands in a job's id, and in every key of the store."""
    return quote(source, safe="")
