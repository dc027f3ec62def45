"""Who administers a workspace: they may do what only the asker may."""

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.workspace import Workspace

_KNOWN_FOR_S = 600.0
_REMEMBERED = 1_000
_PATIENCE_S = 1.0  # whoever pressed a button waits

log = structlog.get_logger()


class Admins:
    """Asked of Slack when somebody wants to do what is not theirs, and remembered for ten minutes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[bool, float]] = OrderedDict()  # by team and user: until when

    async def include(self, workspace: Workspace, user: str) -> bool:
        """An admin or an owner of this very workspace. When Slack does not say (`users:read` is missing), nobody is."""
        is_admin, until_s = self._known.get((workspace.team, user), (False, 0.0))
        if until_s > self._clock():
            return is_admin
        try:
            found = (await workspace.call("users.info", _PATIENCE_S, user=user))["user"]
        except (NotPosted, PlaceGone) as error:
            log.info("not known whether an admin", team=workspace.team, user=user, error=error.sentence)
            return False
        # A guest from another workspace may be an admin over there.
        is_admin = found.get("team_id") == workspace.team and bool(found.get("is_admin") or found.get("is_owner"))
        self._known[workspace.team, user] = (is_admin, self._clock() + _KNOWN_FOR_S)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return is_admin
