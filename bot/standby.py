"""One process at a time speaks to a platform; a second one stands by and takes over when the lease runs out."""

import asyncio

import structlog

from bot.frontend import Frontend
from bot.responder import Responder
from jobs import Leases
from jobs.errors import StoreUnavailable

log = structlog.get_logger()


async def run_under_lease(
    frontend: Frontend, responder: Responder, *, leases: Leases, holder: str, lease_s: float
) -> None:
    """Run the front end whenever its lease is ours, until cancelled or until it ends by itself."""
    name = f"frontend:{frontend.platform}"
    running: asyncio.Task[None] | None = None
    try:
        while True:
            ours = await _hold(leases, name, holder)
            if ours and running is None:
                log.info("front end starts", platform=frontend.platform)
                running = asyncio.create_task(frontend.run(responder))
            elif not ours and running is not None:
                log.warning("front end stands by", platform=frontend.platform)
                await _end(running)
                running = None
            if running is None:
                await asyncio.sleep(lease_s / 3)
            elif (await asyncio.wait({running}, timeout=lease_s / 3))[0]:
                return await running
    finally:
        if running is not None:
            await _end(running)
            await leases.release(name, holder=holder)


async def _hold(leases: Leases, name: str, holder: str) -> bool:
    """Without the store the lease cannot be ours for sure."""
    try:
        return await leases.hold(name, holder=holder)
    except StoreUnavailable:
        return False


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
