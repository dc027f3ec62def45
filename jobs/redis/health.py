"""Health over Redis."""

from jobs.health import Health
from jobs.redis.server import Server


class RedisMonitor:
    """`Monitor`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def health(self) -> Health:
        """See `Monitor.health`."""
        waiting, running, live, mean_run_s = await self._server.call("health")
        return Health(
            waiting=waiting,
            running=running,
            has_worker=running + live > 0,
            mean_run_s=None if mean_run_s is None else float(mean_run_s),
        )
