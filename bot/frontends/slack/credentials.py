"""How the bot gets into Slack."""

from typing import Self

import msgspec

from bot.frontends.slack.errors import SlackHalfSet
from bot.settings import BotSettings


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """How the bot gets in. One workspace by `bot_token`, or those that install it by `client_id`.

    Events come through Socket Mode by `app_token`, or to `http_port`, signed with `signing_secret`.
    """

    bot_token: str = ""
    app_token: str = ""
    signing_secret: str = ""
    client_id: str = ""
    client_secret: str = ""
    http_host: str = "127.0.0.1"
    http_port: int | None = None
    api_url: str = "https://slack.com/api/"

    @classmethod
    def read(cls, settings: BotSettings) -> Self:
        """As set.

        Raises:
            SlackHalfSet: something is missing.
        """
        credentials = cls(
            bot_token=settings.slack_bot_token.get_secret_value(),
            app_token=settings.slack_app_token.get_secret_value(),
            signing_secret=settings.slack_signing_secret.get_secret_value(),
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret.get_secret_value(),
            http_host=settings.slack_http_host,
            http_port=settings.slack_http_port,
            api_url=settings.slack_api_url,
        )
        credentials.check()
        return credentials

    def check(self) -> None:
        """Everything that goes together is there.

        Raises:
            SlackHalfSet: something is missing.
        """
        if not self.bot_token and not self.client_id:
            raise SlackHalfSet(missing="SLACK_BOT_TOKEN")
        if self.client_id and not (self.client_secret and self.http_port is not None):
            raise SlackHalfSet(missing="BOT_SLACK_HTTP_PORT" if self.client_secret else "SLACK_CLIENT_SECRET")
        if self.http_port is None and not self.app_token:
            raise SlackHalfSet(missing="SLACK_APP_TOKEN")
        if self.http_port is not None and not self.signing_secret:
            raise SlackHalfSet(missing="SLACK_SIGNING_SECRET")
