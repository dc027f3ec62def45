"""The workspaces that have installed the app, in Redis: Bolt's installation store and its OAuth states.

A token opens a workspace, so this Redis must be as private as the `.env` file is in a single workspace.
"""

import json
import logging
import secrets
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from jobs.errors import StoreUnavailable

_INSTALLATION = "slack:installation:{team}"
_STATE = "slack:oauth-state:{state}"
_STATE_LIVES_S = 600  # as long as a person may take to approve


class RedisInstallations(AsyncInstallationStore):
    """One bot token for each workspace; what users' tokens could be used for, nobody needs here."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @property
    def logger(self) -> logging.Logger:
        """Bolt asks for it."""
        return logging.getLogger("slack_bolt")

    async def async_save(self, installation: Installation) -> None:
        """See `AsyncInstallationStore`."""
        await self.async_save_bot(installation.to_bot())

    async def async_save_bot(self, bot: Bot) -> None:
        """See `AsyncInstallationStore`."""
        await self._redis.set(_INSTALLATION.format(team=bot.team_id), json.dumps(bot.to_dict(), default=str))

    async def async_find_bot(
        self,
        *,
        enterprise_id: str | None,  # noqa: ARG002  the interface's; a team's id is unique without it
        team_id: str | None,
        is_enterprise_install: bool | None = False,  # noqa: ARG002  the same
    ) -> Bot | None:
        """See `AsyncInstallationStore`."""
        try:
            found = await self._redis.get(_INSTALLATION.format(team=team_id))
        except RedisError as error:
            raise StoreUnavailable(reason=error) from error
        if found is None:
            return None
        fields: dict[str, Any] = json.loads(found)
        return Bot(
            app_id=fields["app_id"],
            team_id=fields["team_id"],
            team_name=fields.get("team_name"),
            bot_token=fields["bot_token"],
            bot_id=fields["bot_id"],
            bot_user_id=fields["bot_user_id"],
            bot_scopes=fields.get("bot_scopes") or "",
            installed_at=fields["installed_at"],
        )

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Nobody installs more than the bot."""

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:  # noqa: ARG002
        """See `AsyncInstallationStore`."""
        await self._redis.delete(_INSTALLATION.format(team=team_id))

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """A user's token went: there is none here."""


class RedisStates(AsyncOAuthStateStore):
    """What an OAuth redirect must bring back: used once, within ten minutes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @property
    def logger(self) -> logging.Logger:
        """Bolt asks for it."""
        return logging.getLogger("slack_bolt")

    async def async_issue(self, *args: object, **kwargs: object) -> str:  # noqa: ARG002  the interface's
        """A new one."""
        state = secrets.token_urlsafe(24)
        await self._redis.set(_STATE.format(state=state), "1", ex=_STATE_LIVES_S)
        return state

    async def async_consume(self, state: str) -> bool:
        """Whether it is one of ours and not used yet."""
        return await self._redis.delete(_STATE.format(state=state)) == 1
