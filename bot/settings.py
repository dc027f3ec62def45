"""The chat side's settings: `BOT_*` in the environment or `.env`."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from jobs.settings import Settings


def read_names(text: object) -> object:
    """`"a, b"` as a set of names; anything else as it is."""
    return frozenset(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else text


Names = Annotated[frozenset[str], NoDecode, BeforeValidator(read_names)]  # the platforms' own ids, comma-separated


class BotSettings(Settings):
    """Who may ask how often, and what is taken in."""

    model_config = SettingsConfigDict(env_prefix="BOT_")

    # A platform is served when its token is there.
    discord_token: SecretStr | None = Field(default=None, validation_alias="DISCORD_TOKEN")
    discord_hosts: Names = frozenset({"cdn.discordapp.com", "media.discordapp.net"})  # where its pictures come from

    # Who may ask, and where. An empty allow list allows everybody; a deny list wins over every allow list.
    allow_users: Names = frozenset()
    deny_users: Names = frozenset()
    allow_roles: Names = frozenset()
    deny_roles: Names = frozenset()
    allow_channels: Names = frozenset()
    deny_channels: Names = frozenset()
    allow_tenants: Names = frozenset()  # Discord's guilds, Slack's teams
    deny_tenants: Names = frozenset()

    # How often, in questions.
    user_per_minute: float = Field(default=12.0, gt=0)
    user_burst: int = Field(default=6, gt=0)
    tenant_per_minute: float = Field(default=120.0, gt=0)
    tenant_burst: int = Field(default=60, gt=0)

    # What is taken in.
    max_pictures: int = Field(default=10, gt=0)  # a question
    max_pages: int = Field(default=4, gt=0)  # of a PDF, from the first on; each is a picture
    allow_urls: bool = False  # fetch pictures from addresses that people write; from the public internet only
    max_picture_mb: float = Field(default=10.0, gt=0)
    max_megapixels: float = Field(default=64.0, gt=0)
    fetch_timeout_s: float = Field(default=30.0, gt=0)
    decode_timeout_s: float = Field(default=10.0, gt=0)
    decoders: int = Field(default=2, gt=0)  # processes
    decoder_memory_mb: int = Field(default=1024, ge=64)
    max_crops: int = Field(default=4, gt=0, le=16)  # a picture is looked at in up to so many parts
    ocr_crops: int = Field(default=16, gt=0, le=16)

    patience_s: float = Field(default=600.0, gt=0)  # from acceptance until a worker begins; then the asker is told
    give_up_s: float = Field(default=3600.0, gt=0)  # a platform that takes no post is tried for this long at a stretch

    # Slack. One workspace by its tokens; several by the client's id and secret, which need HTTP.
    slack_bot_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_SIGNING_SECRET")
    slack_client_id: str = Field(default="", validation_alias="SLACK_CLIENT_ID")
    slack_client_secret: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_CLIENT_SECRET")
    # Events come here, signed; without it: Socket Mode.
    slack_http_port: int | None = Field(default=None, gt=0, le=65_535)
    slack_http_host: str = "127.0.0.1"
    slack_api_url: str = "https://slack.com/api/"

    @property
    def names_slack(self) -> bool:
        """Somebody wants the bot in Slack."""
        tokens = (self.slack_bot_token.get_secret_value(), self.slack_app_token.get_secret_value())
        return any((*tokens, self.slack_client_id))
