"""Taking things out of conversations over Redis."""

from jobs.conversation import ConversationId, Forgotten
from jobs.picture import Picture
from jobs.redis.conversations import RedisConversations
from jobs.redis.encoding import encode, escape_source, place_of
from jobs.redis.server import Server


class RedisEraser:
    """`Eraser`."""

    def __init__(self, server: Server, conversations: RedisConversations) -> None:
        self._server = server
        self._conversations = conversations

    async def drop_picture(self, conversation: ConversationId, number: int) -> Picture | None:
        """See `Eraser.drop_picture`."""
        return await self._drop(conversation, number, stops=True)

    async def drop_origin(self, conversation: ConversationId, origin: str) -> None:
        """See `Eraser.drop_origin`."""
        # Questions under way first: whatever is no longer under way by then is shown by a turn.
        await self._server.call("withdraw_origin", str(conversation), origin)
        for picture in (await self._conversations.load(conversation)).pictures:
            if picture.ref.is_from(origin):
                await self._drop(conversation, picture.number, stops=False)

    async def forget_place(self, tenant_key: str, channel: str | None = None) -> Forgotten:
        """See `Eraser.forget_place`."""
        place = place_of(tenant_key, channel)
        parts = [await self._conversations.drop(there) async for there in self._conversations.of_place(place)]
        await self._server.call("drop_marks", tenant_key, place)
        return Forgotten.all_of(parts)

    async def _drop(self, conversation: ConversationId, number: int, *, stops: bool) -> Picture | None:
        """`stops`: an answer that is being written ends. Else it begins anew: its asker has nothing to do with it."""
        known = await self._conversations.load(conversation)
        shown = known.find_picture(number)
        if shown is None:
            return None
        source, picture = shown
        mark, keeps = encode(picture.unnamed), known.has_twin_of(picture)
        await self._server.call(
            "drop_picture",
            str(conversation),
            escape_source(source),
            number,
            picture.digest,
            mark,
            int(stops),
            int(keeps),
        )
        return picture
