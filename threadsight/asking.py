"""One question from the terminal: opens the store, sees to a worker, asks, and says how it ended."""

import asyncio
import contextlib
import logging
from pathlib import Path

import structlog
from rich.console import Console

from bot.app import open_chat
from bot.frontends.shell import Outcome, Question, Shell, new_conversation
from bot.settings import BotSettings
from inference_worker.status import WorkerStatus
from jobs import ConversationId
from jobs.errors import ThreadsightError
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from threadsight.errors import NothingToFollow
from threadsight.exit_code import ExitCode, exit_code_of
from threadsight.last_conversation import LastConversation
from threadsight.settings import CommandSettings
from threadsight.shared_worker import open_worker
from threadsight.store import open_store

GB = 1e9


def ask(question: Question, *, follow_up: bool, as_json: bool) -> ExitCode:
    """Print the answer of the install's worker, started unless it runs, or of whoever answers behind REDIS_URL.

    Raises:
        ThreadsightError: it came to no answer; nothing has been printed of it.
    """
    settings = CommandSettings.read()
    last = LastConversation(settings.home)
    conversation = _choose_conversation(last, follow_up=follow_up)
    asked = question_in(question, conversation)
    with open_store(settings.home) as store, contextlib.ExitStack() as stack:
        if StoreSettings.read().redis_url is None:
            worker = stack.enter_context(open_worker(settings.home, linger_s=settings.worker_linger_s))
            with Console(stderr=True).status("Starting the worker ...") as line:
                worker.wait_until_ready(lambda status: line.update(words_for(status)))
        ended = asyncio.run(_ask(asked, store, settings.home, as_json=as_json))
    if isinstance(ended, ThreadsightError):
        raise ended
    if ended.failure is not None:
        return exit_code_of(ended.failure.code)
    last.write(conversation)
    return ExitCode.ANSWERED


def words_for(status: WorkerStatus) -> str:
    """How far the loading is.

    >>> words_for(WorkerStatus(state="loading", pid=1, done_bytes=3_100_000_000, total_bytes=8_290_000_000))
    'Loading the model: 3.1 of 8.3 GB'
    """
    return f"Loading the model: {status.done_bytes / GB:.1f} of {status.total_bytes / GB:.1f} GB"
