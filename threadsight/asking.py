"""One question from the terminal: opens the store, sees to a worker, asks, and says how it ended."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from bot.app import open_chat
from bot.errors import AnswerUnwritten
from bot.frontends.shell import Outcome, Question, Shell, new_conversation, read_reference, sweep_spool
from bot.settings import BotSettings
from jobs.errors import StoreUnavailable
from jobs.log import log_to
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from threadsight.errors import ConversationGone, NothingToFollow
from threadsight.exit_code import ExitCode, exit_code_of
from threadsight.home import make_private
from threadsight.last_conversation import LastConversation
from threadsight.loading import await_worker
from threadsight.settings import CommandSettings
from threadsight.shared_worker import open_worker
from threadsight.store import open_store
from threadsight.watching import watched


def ask(question: Question, pictures: Sequence[str], *, follow_up: bool, as_json: bool) -> ExitCode:
    """Print the answer of the install's worker, started unless it runs, or of whoever answers behind REDIS_URL.

    `pictures` are paths, http(s) addresses, or `-` for standard input.

    Raises:
        ThreadsightError: it came to no answer, and that has not been printed yet.
    """
    if sys.stdout is None:
        raise AnswerUnwritten(reason="standard output is closed")
    settings, chat, stored = CommandSettings.read(), BotSettings.read(), StoreSettings.read()
    make_private(settings.home)
    sweep_spool(spool := settings.home / "spool", retention_s=stored.retention_s)
    last = LastConversation(settings.home)
    conversation = last.read() if follow_up else new_conversation()
    if conversation is None:
        raise NothingToFollow
    # Before there is an event loop: within it Ctrl-C could not end the reading of standard input.
    references = tuple(read_reference(picture, spool=spool) for picture in pictures)
    question = msgspec.structs.replace(question, conversation=conversation, pictures=references)
    with contextlib.ExitStack() as stack:
        watches = []
        if stored.redis_url is None:
            worker = stack.enter_context(open_worker(settings.home, linger_s=settings.worker_linger_s))
            await_worker(worker)
            watches.append(worker.watch)
        store = stack.enter_context(open_store(settings.home))
        watches.append(store.watch)
        log_to(stack.enter_context((settings.home / "log").open("a")))
        asking = _ask(question, chat, store.settings, follow_up=follow_up, as_json=as_json)
        ended, can_follow = asyncio.run(watched(asking, *(watch() for watch in watches)))
    if can_follow:
        last.write(conversation)
    return ExitCode.ANSWERED if ended.failure is None else exit_code_of(ended.failure.code)


async def _ask(
    question: Question, chat: BotSettings, store: StoreSettings, *, follow_up: bool, as_json: bool
) -> tuple[Outcome, bool]:
    """How it ended, and whether it left anything to continue: pictures stay when a question about them fails."""
    async with open_redis(store.required_url(), store) as stores:
        assert question.conversation is not None
        if follow_up and not (await stores.conversations.load(question.conversation)).turns:
            raise ConversationGone  # its time is over, or it was asked behind another REDIS_URL
        shell = Shell(
            out=Console(),
            err=Console(stderr=True),
            conversations=stores.conversations,
            as_json=as_json,
        )
        async with open_chat(chat, stores, frontends=[shell], lease_s=store.lease_s) as responder:
            ended = await shell.ask(responder, question)
        with contextlib.suppress(StoreUnavailable):  # how it ended stands there already
            return ended, bool((await stores.conversations.load(question.conversation)).turns)
        return ended, True
