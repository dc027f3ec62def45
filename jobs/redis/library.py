"""The Lua library: its source, and the name that carries the source's hash.

Two versions of the project, or two sides with other settings, each bring their own library to the same Redis.
"""

import hashlib
from importlib.resources import files

import msgspec

from jobs.answer import ANSWER_KEPT_S, ANSWER_MAX_EVENTS
from jobs.conversation import MARK_KEPT_S, TURNS_KEPT
from jobs.queue import LOOKAHEAD, RUN_TIME_WEIGHT
from jobs.settings import StoreSettings

# In this order: each file uses the local functions of those before it.
FILES = (
    "keys.lua",
    "retention.lua",
    "start.lua",
    "bringing.lua",
    "ending.lua",
    "queue_in.lua",
    "queue_out.lua",
    "reaper.lua",
    "conversations.lua",
    "eraser.lua",
    "pictures.lua",
    "replies.lua",
    "silence.lua",
    "health.lua",
)
REWRITE_EVERY_S = 600.0  # of the append-only file: with every picture that is kept, up to 2 GiB are written


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """Source as FUNCTION LOAD takes it; function `verb` is called `prefix + verb`."""

    prefix: str
    source: str


def build_library(settings: StoreSettings) -> Library:
    """The library with these settings as its constants."""
    constants = {
        "LEASE_S": settings.lease_s,
        "AFFINITY_S": settings.affinity_s,
        "MAX_WAITING": settings.max_waiting,
        "MAX_WAITING_PER_TENANT": settings.max_waiting_per_tenant,
        "MAX_ATTEMPTS": settings.max_attempts,
        "RETENTION_S": settings.retention_s,
        "REMEMBER_IDS_S": settings.remember_ids_s,
        "PICTURE_BUDGET_BYTES": settings.picture_budget_bytes,
        "ANSWER_KEPT_S": ANSWER_KEPT_S,
        "ANSWER_MAX_EVENTS": ANSWER_MAX_EVENTS,
        "LOOKAHEAD": LOOKAHEAD,
        "RUN_TIME_WEIGHT": RUN_TIME_WEIGHT,
        "TURNS_KEPT": TURNS_KEPT,
        "MARK_KEPT_S": MARK_KEPT_S,
        "REWRITE_EVERY_S": REWRITE_EVERY_S,
    }
    folder = files("jobs.redis") / "lua"
    lines = [f"local {name} = {value}" for name, value in constants.items()]
    body = "\n".join([*lines, *((folder / name).read_text() for name in FILES)])
    name = f"threadsight_{hashlib.sha256(body.encode()).hexdigest()[:12]}"
    prefix = f"{name}_"
    return Library(prefix=prefix, source=f"#!lua name={name}\nlocal PREFIX = '{prefix}'\n{body}")
