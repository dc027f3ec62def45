"""Questions that are edited: where one is the last of its conversation, it is answered again in the same place."""

import discord
import msgspec
import structlog

from bot.errors import NotPosted
from bot.frontend import Posted
from bot.frontends.discord.answers import find_answer
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.place import Place
from bot.frontends.discord.questions import Questions
from bot.frontends.discord.reading import read_words
from bot.frontends.discord.recent import Asked
from bot.frontends.discord.references import belongs_to, merge, read_attachments
from bot.mention import Mention
from jobs import Conversation, Sampling, Turn

log = structlog.get_logger()


class Editing:
    """Messages of people, as they are edited."""

    def __init__(self, desk: Desk, me: discord.ClientUser, questions: Questions) -> None:
        self._desk = desk
        self._me = me
        self._questions = questions

    async def see_edit(self, message: discord.Message) -> None:
        """A message was edited: where it asked the last question, that is answered again in the same place."""
        if message.edited_at is None or message.author.bot:  # a preview of a link, a thread that was opened
            return
        asked = await self._asked(message)
        if asked is None:
            return
        try:
            await self._ask_again(asked, message)
        except Exception as error:  # noqa: BLE001 - whoever edited it is told, of a bug of ours too
            await self._desk.tell(asked.mention, error)

    async def _ask_again(self, asked: Asked, message: discord.Message) -> None:
        edited = await self._reread(asked, message)
        if (edited.text, edited.references) == (asked.mention.text, asked.mention.references):
            return
        log.info("question edited", source=edited.source, revision=edited.revision)
        await self._desk.ask(edited, messages=asked.messages)

    async def _asked(self, message: discord.Message) -> Asked | None:
        """The question that was read from a message, if it is the last of its conversation."""
        asked = self._desk.recent.of_message(message.id)
        conversation = asked.mention.conversation if asked else self._questions.conversation(message)
        known = await self._desk.conversations.load(conversation)
        turns = known.turns
        last = turns[-1].source if turns else None
        if asked is not None:
            was_answered = any(turn.source == asked.mention.source for turn in turns)
            return asked if not was_answered or last == asked.mention.source else None
        if last == str(message.id):
            return self._from_turn(turns[-1], message, known)
        return await self._from_message(message, known) if known.last_source == str(message.id) else None

    def _from_turn(self, turn: Turn, message: discord.Message, known: Conversation) -> Asked:
        """As it was asked before this process lived. Its newest revision may have no turn: it was stopped, or failed."""
        mention = msgspec.structs.replace(
            self._questions.mention(message, known.id),
            revision=known.last_revision if known.last_source == turn.source else turn.revision,
            text=turn.question,
            references=tuple(picture.ref for picture in (*turn.again, *turn.pictures)),
        )
        return Asked(mention=mention, messages=(message.id,))

    async def _from_message(self, message: discord.Message, known: Conversation) -> Asked:
        """One that has no answer yet, of an earlier process: its words were others, whatever they were."""
        mention = msgspec.structs.replace(
            self._questions.mention(message, known.id),
            revision=known.last_revision,
            references=await self._questions.references([message], known.id),
        )
        return Asked(mention=mention, messages=(message.id,))

    async def _standing(self, asked: Asked) -> Posted:
        """The answer that is there: without it, this one is posted anew."""
        try:
            return asked.posted or await find_answer(self._desk.api, asked.mention, self._me.id)
        except NotPosted as error:
            log.info("answer not looked up", source=asked.mention.source, error=error.sentence)
            return ()

    async def _reread(self, asked: Asked, message: discord.Message) -> Mention:
        """The next revision of a question, with the words and pictures that its message has now."""
        mention = asked.mention
        is_last = message.id == asked.messages[-1]
        words = read_words(message, self._me)
        kept = tuple(ref for ref in mention.references if not belongs_to(ref, message.id))
        brought = self._questions.noted(message, read_attachments(message))
        same = [ref for ref in mention.references if belongs_to(ref, message.id)]
        place = Place.read(mention.reply_to)
        token = None if place.token and place.token.pressed else place.token  # that is of whoever pressed a button
        place = msgspec.structs.replace(place, token=token, standing=await self._standing(asked))
        return msgspec.structs.replace(
            mention,
            revision=mention.revision + 1,
            text=words if is_last or words else mention.text,
            references=mention.references if {*same} == {*brought} else merge(kept, brought),
            reply_to=place.encode(),
            sampling=Sampling(),
        )
