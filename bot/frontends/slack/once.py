"""One event, one deed: Slack tells of a mention under two names, and repeats what was not acknowledged in time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

_REMEMBERED = 10_000


class Once:
    """Does each thing once, in this process. Whoever comes while it is being done waits for the same end."""

    def __init__(self) -> None:
        self._begun: OrderedDict[Hashable, asyncio.Future[object]] = OrderedDict()

    async def do(self, key: Hashable, work: Callable[[], Awaitable[object]]) -> None:
        """Do it, unless it was done before. What failed may be done again.

        Raises:
            Exception: what `work` raises, to everybody who waits for it.
        """
        begun = self._begun.get(key)
        if begun is not None:
            await asyncio.shield(begun)
            return
        begun = self._begun[key] = asyncio.get_running_loop().create_future()
        begun.add_done_callback(lambda future: future.cancelled() or future.exception())  # somebody has looked at it
        if len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)
        try:
            await work()
        except BaseException as error:
            self._begun.pop(key, None)
            if isinstance(error, Exception):
                begun.set_exception(error)
            else:
                begun.cancel()
            raise
        begun.set_result(None)
