"""Builds the chat side from its settings and runs it. The only place here that constructs things."""

import asyncio
import os
import resource
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from pydantic import SecretStr

from bot.admission import Admission, Lists, Rate
from bot.custody import Custody
from bot.delivery import Courier
from bot.errors import NoFrontend
from bot.fetching import Fetcher, FetchLink
from bot.frontend import Frontend
from bot.intake import Intake
from bot.memory import Memory
from bot.responder import Responder
from bot.sandbox.pool import Sandbox
from bot.settings import BotSettings
from bot.standby import run_under_lease
from jobs import Leases
from jobs.errors import StoreUnavailable, ThreadsightError
from jobs.log import log_to
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from jobs.stores import Jobs

_REAP_INTERVAL_S = 1.0
_OPEN_FILES = 10_240  # every answer that is followed holds a connection; macOS allows no more

OpenFrontend = Callable[[Jobs], AbstractAsyncContextManager[Frontend]]  # over these stores, until the end

log = structlog.get_logger()


@asynccontextmanager
async def open_chat(
    settings: BotSettings,
    stores: Jobs,
    *,
    frontends: Sequence[Frontend],
    lease_s: float,
    holder: str | None = None,
    warm: bool = False,
) -> AsyncIterator[Responder]:
    """The chat side over these stores, speaking through these front ends.

    What earlier processes left undelivered is taken over before anything else, and while this one lives. `lease_s`
    is the stores' (`StoreSettings.lease_s`); `holder` names this process and is made up where it is not given. `warm`
    starts the decoders at once, for a process that serves people and not one question.

    Raises:
        StoreUnavailable: at the start.
    """
    holder = holder or name_this_process()
    sandbox = Sandbox(
        processes=settings.decoders,
        memory_bytes=settings.decoder_memory_mb * 1024**2,
        time_limit_s=settings.decode_timeout_s,
        max_pixels=int(settings.max_megapixels * 1e6),
    )
    custody = Custody(holder=holder, replies=stores.replies)
    responder = Responder(
        holder=holder,
        frontends={frontend.platform: frontend for frontend in frontends},
        admission=build_admission(settings),
        queue=stores.queue_in,
        replies=stores.replies,
        intake=build_intake(settings, stores, sandbox),
        courier=Courier(
            holder=holder,
            queue=stores.queue_in,
            answers=stores.answers,
            replies=stores.replies,
            monitor=stores.monitor,
            give_up_s=settings.give_up_s,
        ),
        custody=custody,
        memory=Memory(
            conversations=stores.conversations, eraser=stores.eraser, retention_s=stores.settings.retention_s
        ),
        patience_s=settings.patience_s,
        allow_urls=settings.allow_urls,
    )
    if warm:
        await sandbox.warm_up()
    await responder.adopt()
    # Not a TaskGroup: what goes wrong for the caller inside must come out as it is, not in an exception group.
    loops = [
        _start(custody.renew, every_s=lease_s / 3),
        _start(responder.adopt, every_s=lease_s / 2),
        _start(stores.reaper.reap, every_s=_REAP_INTERVAL_S),
    ]
    try:
        yield responder
    finally:
        for loop in loops:
            loop.cancel()
        await custody.close()
        await sandbox.close()


def build_admission(settings: BotSettings) -> Admission:
    """Lists and rates as set."""
    return Admission(
        users=Lists(allow=settings.allow_users, deny=settings.deny_users),
        roles=Lists(allow=settings.allow_roles, deny=settings.deny_roles),
        channels=Lists(allow=settings.allow_channels, deny=settings.deny_channels),
        tenants=Lists(allow=settings.allow_tenants, deny=settings.deny_tenants),
        user_rate=Rate(per_minute=settings.user_per_minute, burst=settings.user_burst),
        tenant_rate=Rate(per_minute=settings.tenant_per_minute, burst=settings.tenant_burst),
    )


def build_intake(settings: BotSettings, stores: Jobs, sandbox: Sandbox) -> Intake:
    """Limits as set."""
    return Intake(
        fetcher=Fetcher(
            max_bytes=int(settings.max_picture_mb * 1024**2),
            timeout_s=settings.fetch_timeout_s,
            fetch_link=_fetch_from_the_internet() if settings.allow_urls else None,
        ),
        sandbox=sandbox,
        pictures=stores.pictures,
        conversations=stores.conversations,
        max_pictures=settings.max_pictures,
        max_pages=settings.max_pages,
        max_crops=settings.max_crops,
        ocr_crops=settings.ocr_crops,
    )


def _fetch_from_the_internet() -> FetchLink:
    from bot.download import download_public  # noqa: PLC0415  aiohttp takes 0.2 s, and most installs fetch no links

    return download_public


def build_frontends(settings: BotSettings) -> list[OpenFrontend]:
    """How to open each platform whose token is set. The shell is opened by the command line."""
    openers: list[OpenFrontend] = []
    if settings.discord_token is not None:
        openers.append(partial(_open_discord, settings.discord_token, settings.discord_hosts))
    if settings.names_slack:
        openers.append(partial(_open_slack, settings))
    return openers


def _open_discord(token: SecretStr, hosts: frozenset[str], stores: Jobs) -> AbstractAsyncContextManager[Frontend]:
    from bot.frontends.discord import open_discord  # noqa: PLC0415 - no platform's libraries without its token

    return open_discord(token.get_secret_value(), stores, hosts=hosts)


def _open_slack(settings: BotSettings, stores: Jobs) -> AbstractAsyncContextManager[Frontend]:
    from bot.frontends.slack import open_slack  # noqa: PLC0415 - as above

    return open_slack(settings, stores)


async def run(settings: BotSettings, store: StoreSettings) -> None:
    """Serve every configured platform until SIGTERM or Ctrl-C.

    Raises:
        NoFrontend: there is nothing to serve.
        StoreUnavailable: Redis is not there at the start.
    """
    openers = build_frontends(settings)
    if not openers:
        raise NoFrontend
    allow_many_connections()
    holder = name_this_process()
    async with open_redis(store.required_url(), store) as stores, AsyncExitStack() as opened:
        frontends = [await opened.enter_async_context(open_frontend(stores)) for open_frontend in openers]
        responder = await opened.enter_async_context(
            open_chat(settings, stores, frontends=frontends, lease_s=store.lease_s, holder=holder, warm=True)
        )
        this = asyncio.current_task()
        assert this is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await serve(frontends, responder, stores.leases, holder=holder, lease_s=store.lease_s)


def allow_many_connections() -> None:
    """Raise the limit of open files from the shell's, often 1,024 or 256, to what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def serve(
    frontends: Sequence[Frontend], responder: Responder, leases: Leases, *, holder: str, lease_s: float
) -> None:
    """Run every front end. One whose token is not taken ends alone: the others go on without it.

    Raises: what the first one ended on, when none is left; a bug of one at once, so that all are started again.
    """

    async def run_alone(frontend: Frontend) -> ThreadsightError | None:
        try:
            await run_under_lease(frontend, responder, leases=leases, holder=holder, lease_s=lease_s)
        except ThreadsightError as error:
            log.error("front end ended", platform=frontend.platform, error=error.sentence)  # noqa: TRY400 - all is said
            await responder.retire(frontend.platform)
            return error
        return None

    for error in await asyncio.gather(*map(run_alone, frontends)):
        if error is not None:
            raise error


def main() -> int:
    """`python -m bot`: an exit code, and a plain sentence where there is nothing it can do."""
    log_to(sys.stderr)
    try:
        asyncio.run(run(BotSettings.read(), StoreSettings.read()))
    except ThreadsightError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201  a person started this
        return 1
    except KeyboardInterrupt:
        return 130
    except asyncio.CancelledError:  # SIGTERM
        return 0
    return 0


def name_this_process() -> str:
    """Who holds leases: never the same twice, so that a restarted process is another one."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _start(work: Callable[[], Awaitable[object]], *, every_s: float) -> "asyncio.Task[None]":
    async def repeat() -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await work()
            except StoreUnavailable as error:  # nothing to do but to try again
                log.warning("store away", error=error.sentence)
            except Exception:
                # Without renewal every delivery would be lost, and without adoption those of a dead process.
                log.exception("a chore failed, it is tried again")

    return asyncio.create_task(repeat())
