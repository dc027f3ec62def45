"""Bolt's listeners: which event goes to whom. Bolt's own types stay in this file.

An event is acknowledged when its listener returns, not before (`process_before_response`): what was not accepted is
told again by Slack.
"""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotFailed, NotPosted, PlaceGone
from bot.frontends.slack.asking import Asking
from bot.frontends.slack.blocks import FEEDBACK, REGENERATE, STOP
from bot.frontends.slack.buttons import Buttons, Press
from bot.frontends.slack.commands import COMMANDS, FORMS, SHORTCUTS, Commands
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.forgetting import Forgetting
from bot.frontends.slack.home import SUGGESTED_PROMPTS, describe_help, describe_home
from bot.frontends.slack.message import read_change, read_message, read_previous
from bot.frontends.slack.modal import FORM, Filled, Form, below_question
from bot.frontends.slack.place import Place
from jobs.errors import StoreUnavailable, ThreadsightError

_CHANGED, _DELETED, _TOMBSTONE = "message_changed", "message_deleted", "tombstone"

Body = Mapping[str, Any]

log = structlog.get_logger()


class Doorkeeper(AsyncAuthorize):
    """Lets events in from workspaces that the bot is in, each under its own token."""

    def __init__(self, desk: Desk, logger: logging.Logger) -> None:
        self.logger = logger
        self.client = None
        self._desk = desk

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,  # noqa: ARG002  the interface's
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        **_: object,
    ) -> AuthorizeResult | None:
        """See `AsyncAuthorize`."""
        try:
            workspace = await self._desk.workspace(team_id or "")
        except PlaceGone as error:
            log.warning("event of a stranger", team=team_id, error=error.sentence)
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=workspace.team,
            user_id=user_id,
            bot_user_id=workspace.bot_user,
            bot_id=workspace.bot,
            bot_token=workspace.token,
        )


def build_app(
    desk: Desk,
    *,
    client: AsyncWebClient,
    signing_secret: str,
    oauth: AsyncOAuthSettings | None,
) -> AsyncApp:
    """The Bolt app with everything it listens to."""
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.ERROR)  # it warns of every event that nobody listens to
    app = AsyncApp(
        logger=logger,
        client=client,
        signing_secret=signing_secret,
        authorize=Doorkeeper(desk, logger),  # type: ignore[arg-type]  # taken by isinstance; its type says functions only
        oauth_settings=oauth,
        process_before_response=True,
    )
    app.error(_answer_error)
    forgetting = Forgetting(desk)
    _hear_messages(app, Asking(desk, forgetting), forgetting)
    _hear_home(app, desk)
    commands = Commands(desk)
    _hear_commands(app, commands, desk)
    _hear_forms(app, commands)
    _hear_buttons(app, Buttons(desk))
    _hear_endings(app, forgetting)
    return app


async def _answer_error(error: Exception, body: Body, respond: AsyncRespond) -> BoltResponse:
    """Slack tells an event again that is not acknowledged; what people press or type it tells once, so they are told why.

    The one place that sees every error, but for those of questions, which `Asking` tells the asker.
    """
    if isinstance(error, (StoreUnavailable, NotPosted)):
        log.warning("event not accepted", error=error.sentence)
    elif isinstance(error, PlaceGone):
        log.warning("event given up", error=error.sentence)
        return BoltResponse(status=200, body="")
    else:
        log.error("event failed", exc_info=error)
    told = error.sentence if isinstance(error, ThreadsightError) else BotFailed().sentence
    if "command" in body:
        return BoltResponse(status=200, body=told)
    if body.get("type") == "view_submission":
        return BoltResponse(status=200, body={"response_action": "errors", "errors": below_question(told)})
    if "response_url" in body:
        await _tell(respond, told, thread=(body.get("message") or {}).get("thread_ts"))
        return BoltResponse(status=200, body="")
    return BoltResponse(status=503, body="")


async def _tell(respond: AsyncRespond, sentence: str, *, thread: str | None) -> None:
    """The person alone. Where even that fails, the log has to do."""
    try:
        await respond(sentence, response_type="ephemeral", replace_original=False, thread_ts=thread)
    except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
        log.warning("error not told", error=str(error))


def _hear_messages(app: AsyncApp, asking: Asking, forgetting: Forgetting) -> None:
    async def hear(event: Body, context: AsyncBoltContext) -> None:
        if event["type"] == "app_mention" and event.get("edited"):
            return  # that a message was edited is told as a change of it, too
        message = read_message(event, team=_team(context))
        if message is not None:
            await asking.hear(message, by_name=event["type"] == "app_mention")

    async def hear_message(event: Body, context: AsyncBoltContext) -> None:
        team, ours = _team(context), context.bot_id or ""
        subtype = event.get("subtype")
        if subtype == _DELETED or (subtype == _CHANGED and event["message"].get("subtype") == _TOMBSTONE):
            deleted = read_previous(event, team=team, ours=ours)
            if deleted is not None:
                await forgetting.see_deletion(deleted)
        elif subtype == _CHANGED:
            change = read_change(event, team=team, ours=ours)
            if change is not None:
                await asking.see_change(change, event=event.get("event_ts") or "")
        else:
            await hear(event, context)

    app.event("app_mention")(hear)
    app.event("message")(hear_message)


def _hear_home(app: AsyncApp, desk: Desk) -> None:
    async def open_home(event: Body, context: AsyncBoltContext) -> None:
        workspace = await desk.workspace(_team(context))
        if event.get("tab") == "messages":
            method, channel = "assistant.threads.setSuggestedPrompts", event["channel"]
            await desk.attempt(workspace, method, channel_id=channel, prompts=SUGGESTED_PROMPTS)
        else:
            view = describe_home(kept=desk.responder.memory.kept_for)
            await desk.attempt(workspace, "views.publish", user_id=event["user"], view=view)

    app.event("app_home_opened")(open_home)


def _hear_commands(app: AsyncApp, commands: Commands, desk: Desk) -> None:
    async def open_form(ack: AsyncAck, command: Body, context: AsyncBoltContext) -> None:
        form = Form(kind=FORMS[command["command"]], channel=command["channel_id"])
        try:
            await commands.open_form(_team(context), command["trigger_id"], form)
        except NotPosted as error:
            log.warning("form not opened", error=error.sentence)
            await ack("Slack did not let me open the form. Please try again.")
        else:
            await ack()

    async def forget(ack: AsyncAck, command: Body, context: AsyncBoltContext) -> None:
        await ack(await commands.forget(_team(context), command["user_id"], command["channel_id"]))

    async def help_(ack: AsyncAck) -> None:
        await ack(text="How to ask", blocks=describe_help(kept=desk.responder.memory.kept_for))

    handlers = dict.fromkeys(FORMS, open_form) | {"/forget": forget, "/help": help_}
    assert handlers.keys() == COMMANDS.keys(), "every command is heard, and told of in the manifest"
    for name, handler in handlers.items():
        app.command(name)(handler)


def _hear_forms(app: AsyncApp, commands: Commands) -> None:
    async def use_shortcut(ack: AsyncAck, body: Body, context: AsyncBoltContext, respond: AsyncRespond) -> None:
        await commands.use_shortcut(body["callback_id"], body, respond, team=_team(context))
        await ack()

    async def take_form(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        filled = Filled.read(body["view"])
        user = body["user"]
        errors = await commands.take_form(_team(context), user["id"], user.get("name") or user["id"], filled)
        if errors:
            await ack(response_action="errors", errors=errors)
        else:
            await ack()

    for name in SHORTCUTS:
        app.shortcut({"type": "message_action", "callback_id": name})(use_shortcut)
    app.view(FORM)(take_form)


def _hear_buttons(app: AsyncApp, buttons: Buttons) -> None:
    async def stop(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await buttons.stop(Press.read(body, team=_team(context)))
        await ack()

    async def regenerate(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await buttons.regenerate(Press.read(body, team=_team(context)))
        await ack()

    async def take_feedback(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        await buttons.take_feedback(Press.read(body, team=_team(context)))
        await ack()

    async def stop_session(event: Body, context: AsyncBoltContext) -> None:
        await buttons.stop_session(_place_of(event, team=_team(context)))

    app.event("agent_session_stopped")(stop_session)
    app.action(STOP)(stop)
    app.action(REGENERATE)(regenerate)
    app.action(FEEDBACK)(take_feedback)


def _hear_endings(app: AsyncApp, forgetting: Forgetting) -> None:
    async def see_leaving(context: AsyncBoltContext) -> None:
        await forgetting.see_leaving(_team(context))

    async def see_revoked(event: Body, context: AsyncBoltContext) -> None:
        if (event.get("tokens") or {}).get("bot"):
            await forgetting.see_leaving(_team(context))

    app.event("app_uninstalled")(see_leaving)
    app.event("tokens_revoked")(see_revoked)


def _team(context: AsyncBoltContext) -> str:
    """The workspace that the app is installed in, wherever in Slack Connect the person is from."""
    return context.team_id or ""


def _place_of(event: Body, *, team: str) -> Place:
    thread = event.get("thread_ts") or ""
    return Place(
        team=team,
        channel=event["channel"],
        thread=thread,
        asked=thread,
        user=event.get("user") or "",
        is_direct=str(event["channel"]).startswith("D"),
    )
