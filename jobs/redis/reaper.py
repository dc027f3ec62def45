"""The reaper over Redis."""

from jobs.answer import Failed
from jobs.errors import DeadlinePassed, ThreadsightError, WorkerKeepsFailing
from jobs.redis.encoding import encode
from jobs.redis.server import Server


class RedisReaper:
    """`Reaper`. Any number may run at once: what one has done the others find done."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def reap(self) -> int:
        """See `Reaper.reap`."""
        failing = WorkerKeepsFailing(attempts=self._server.settings.max_attempts)
        touched, overdue = await self._server.call("reap", _failed(failing))
        for job, patience_s in overdue:
            touched += await self._server.call("give_up", job, _failed(DeadlinePassed(patience_s=float(patience_s))))
        return int(touched)


def _failed(error: ThreadsightError) -> bytes:
    return encode(Failed(code=error.code, advice=error.sentence))
