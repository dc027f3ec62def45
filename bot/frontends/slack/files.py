"""Slack's private files: downloads with the bot's token, which goes to Slack's own hosts only, and uploads."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator

import aiohttp
from yarl import URL

from bot.errors import NotPosted, PlaceGone, Unfetchable
from bot.frontends.slack.errors import CallRefused, ScopeMissing
from bot.frontends.slack.message import SharedFile
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Workspace

SLACK_HOSTS = (".slack.com", ".slack-files.com", ".slack-gov.com")

_PIECE_BYTES = 64 * 1024
_REMEMBERED = 10_000
_ATTEMPTS = 3  # an address that an event told may be stale, and a server may be busy
_PAUSE_S = 0.5
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500
_STALE = {403, 404, 410}  # the address is not the file's any more
_MOVED = {301, 302, 303, 307, 308}
_DELETED = {"file_deleted", "file_not_found"}
_SIGN_IN = "Slack asks to sign in instead of giving the file: the app needs the scope files:read"


class Files:
    """Files of workspaces. An address that came with an event spares asking for it; it is tried once."""

    def __init__(self, *, api_url: str) -> None:
        self._api = URL(api_url)  # where the Web API is there may be files too
        self._addresses: OrderedDict[tuple[str, str], str] = OrderedDict()  # by team and file, as events told them

    def remember(self, team: str, files: tuple[SharedFile, ...]) -> None:
        """Their addresses, for the first download."""
        for file in files:
            if file.url:
                self._addresses[team, file.id] = file.url
        while len(self._addresses) > _REMEMBERED:
            self._addresses.popitem(last=False)

    async def download(
        self, session: aiohttp.ClientSession, workspace: Workspace, file_id: str
    ) -> AsyncGenerator[bytes, None]:
        """The bytes, in pieces.

        Raises:
            Unfetchable: deleted, elsewhere, or not for this app.
        """
        told = self._addresses.pop((workspace.team, file_id), None)
        address = told or await self._ask_address(workspace, file_id)
        try:
            for attempt in range(_ATTEMPTS):
                async with self._open(session, workspace, address) as response:
                    if attempt + 1 < _ATTEMPTS and _may_pass(response):
                        told_s = response.headers.get("Retry-After", "")
                        await asyncio.sleep(float(told_s) if told_s.isdecimal() else attempt * _PAUSE_S)
                        address = await self._ask_address(workspace, file_id)
                        continue
                    _check(response)
                    async for piece in response.content.iter_chunked(_PIECE_BYTES):
                        yield piece
                    return
        except (aiohttp.ClientError, OSError) as error:
            raise Unfetchable(reason=_words_for(error)) from error

    async def upload(
        self, session: aiohttp.ClientSession, workspace: Workspace, place: Place, *, name: str, content: bytes
    ) -> str:
        """Put a file into the thread; its id.

        Raises:
            CallLost: it may stand there.
            CallRefused, PlaceGone: it does not.
        """
        slot = await workspace.call("files.getUploadURLExternal", filename=name, length=len(content))
        if not self._is_slacks(URL(slot["upload_url"])):
            raise CallRefused(method="files.getUploadURLExternal", reason="an upload address off Slack's hosts")
        try:
            async with session.post(slot["upload_url"], data=content, allow_redirects=False) as response:
                if response.status != _OK:
                    raise CallRefused(method="the upload", reason=response.status)
        except (aiohttp.ClientError, OSError) as error:  # nothing shows before it is completed
            raise CallRefused(method="the upload", reason=error) from error
        await workspace.call(
            "files.completeUploadExternal",
            files=[{"id": slot["file_id"], "title": name}],
            channel_id=place.channel,
            thread_ts=place.thread,
        )
        return str(slot["file_id"])

    async def _ask_address(self, workspace: Workspace, file_id: str) -> str:
        try:
            answer = await workspace.call("files.info", file=file_id)
        except CallRefused as error:
            reason = "it was deleted in Slack" if error.reason in _DELETED else error.sentence
            raise Unfetchable(reason=reason) from error
        except ScopeMissing as error:
            raise Unfetchable(reason="the app needs the scope files:read") from error
        except (NotPosted, PlaceGone) as error:
            raise Unfetchable(reason=error.sentence) from error
        file = SharedFile.read(answer["file"])
        if not file.url:
            raise Unfetchable(reason="it was deleted in Slack")
        return file.url

    def _open(
        self, session: aiohttp.ClientSession, workspace: Workspace, address: str
    ) -> "aiohttp.client._RequestContextManager":
        url = URL(address)
        if not self._is_slacks(url):
            raise Unfetchable(reason=f"it is kept at {url.host}, not in Slack")
        headers = {"Authorization": f"Bearer {workspace.token}", "Accept-Encoding": "identity"}
        # A redirect would carry the token along, and leads to the sign-in page anyway. Whoever reads has a time limit.
        return session.get(url, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=None))

    def _is_slacks(self, url: URL) -> bool:
        host = url.host or ""
        return (url.scheme == "https" and host.endswith(SLACK_HOSTS)) or url.origin() == self._api.origin()


def _may_pass(response: aiohttp.ClientResponse) -> bool:
    """Asked once more, perhaps at another address, the file may come."""
    return response.status >= _SERVER_ERROR or response.status == _TOO_MANY or response.status in _STALE


def _check(response: aiohttp.ClientResponse) -> None:
    """Slack answers 200 with an HTML page, or a redirect to one, where the token may not read files.

    Raises:
        Unfetchable: no file came.
    """
    if response.status in _MOVED or (response.status == _OK and response.content_type == "text/html"):
        raise Unfetchable(reason=_SIGN_IN)
    if response.status in _STALE:
        raise Unfetchable(reason="it was deleted in Slack")
    if response.status != _OK:
        raise Unfetchable(reason=f"Slack answers {response.status}")


def _words_for(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientPayloadError):
        return "it was cut short on the way"
    return str(error) or type(error).__name__
