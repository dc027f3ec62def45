"""The reaper over Redis."""

from jobs.answer import Failed
from jobs.errors import DeadlinePassed, ThreadsightError, WorkerKeepsFailing
from jobs.redis.encoding import encode
from jobs.redis.server import Server


class RedisReaper:
    """`Reaper`. Any number may run at once: what one has done the others find done.

    It also sees to it that what was forgotten leaves Redis's append-only file, in its own time.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def reap(self) -> int:
        """See `Reaper.reap`."""
        failing = WorkerKeepsFailing(attempts=self._server.settings.max_attempts)
        touched, overdue, gone = await self._server.call("reap", _failed(failing))
        for job, patience_s in overdue:
            touched += await self._server.call("give_up", job, _failed(DeadlinePassed(patience_s=float(patience_s))))
        if gone and await self._server.rewrite():
            await self._server.call("rewrite_begun", gone)
        return int(touched)


def _failed(error: ThreadsightError) -> bytes:
    return encode(Failed(code=error.code, advice=error.sentence))
