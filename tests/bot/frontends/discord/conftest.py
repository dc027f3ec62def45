"""A bot on a small Discord, over the store in memory, with a worker that does what the test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import discord.gateway
import discord.http
import pytest
import yarl

from bot.app import open_chat
from bot.download import Hosts
from bot.frontends.discord import Discord
from bot.responder import Responder
from bot.settings import BotSettings
from bot.standby import run_under_lease
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.background import run_in_background
from tests.bot.frontends.discord.fake import answers, rest
from tests.bot.frontends.discord.fake.server import TOKEN, FakeDiscord, open_discord
from tests.bot.frontends.discord.fake.world import Channel, Guild, User
from tests.bot.frontends.discord.oracle import Oracle

LEASE_S = 60.0  # of the store's clock, which only `advance` moves
PATIENCE_S = 0.25  # that pictures wait for their words

assert rest, "their routes are registered"
assert answers, "theirs as well"


@dataclass
class Scene:
    """Everything that a scenario is about."""

    discord: FakeDiscord
    jobs: MemoryJobs
    oracle: Oracle
    guild: Guild
    channel: Channel
    ann: User
    bob: User
    bot: Discord = field(init=False)
    responder: Responder = field(init=False)


OpenBot = Callable[..., AbstractAsyncContextManager[Discord]]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    async with open_discord() as server:
        server.limits.faster = 20.0
        monkeypatch.setattr(discord.http.Route, "BASE", f"{server.base}/api/v10")
        gateway = yarl.URL(f"ws://127.0.0.1:{server.port}/gateway")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        yield server
        assert server.unknown == []


@pytest.fixture
def jobs() -> MemoryJobs:
    return open_memory(StoreSettings(lease_s=LEASE_S))


@pytest.fixture
async def scene(server: FakeDiscord, jobs: MemoryJobs) -> AsyncIterator[Scene]:
    guild = server.add_guild()
    channel = server.add_channel(guild)
    oracle = Oracle(jobs)
    ann, bob = server.add_user("ann", guild), server.add_user("bob", guild)
    async with run_in_background(oracle.run()):
        yield Scene(server, jobs, oracle, guild, channel, ann, bob)


@pytest.fixture
def open_bot(scene: Scene) -> OpenBot:
    """Starts a bot process; leaving the context is its death: nothing is closed in the ledger."""

    @asynccontextmanager
    async def start(*, connects: bool = True, **settings: object) -> AsyncIterator[Discord]:
        quick = {"user_per_minute": 60_000.0, "user_burst": 1_000, "tenant_per_minute": 60_000.0, "tenant_burst": 1_000}
        read = BotSettings.model_validate({**quick, **settings})
        front = Discord(TOKEN, scene.jobs, hosts=Hosts(frozenset({"127.0.0.1"})), patience_s=PATIENCE_S)
        identified = scene.discord.gateway.identified
        try:
            async with open_chat(read, scene.jobs, frontends=[front], lease_s=LEASE_S) as responder:
                scene.bot, scene.responder = front, responder
                running = run_under_lease(front, responder, leases=scene.jobs.leases, holder="bot", lease_s=LEASE_S)
                async with run_in_background(running):
                    if connects:
                        await eventually(lambda: scene.discord.gateway.identified > identified)
                        await eventually(lambda: scene.discord.gateway.is_connected and scene.discord.commands)
                    yield front
        finally:
            await front.close()

    return start


@pytest.fixture
async def bot(open_bot: OpenBot) -> AsyncIterator[Discord]:
    async with open_bot() as front:
        yield front
