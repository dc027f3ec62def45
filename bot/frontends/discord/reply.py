"""The reply to one question: how things stand, the words as they come, the answer with its buttons."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from bot.frontend import Posted
from bot.frontends.discord.api import Api, Part, Upload
from bot.frontends.discord.buttons import Button, Ticket, Verb
from bot.frontends.discord.errands import Errands
from bot.frontends.discord.layout import MOST_PARTS, lay_out, plain, word
from bot.frontends.discord.permissions import title_of
from bot.frontends.discord.posts import Posts
from jobs import Cancelled, Conversation, ConversationStore, Done, Failed, Job, JobKind

_OCR_IN_ONE = 1_800  # characters of read text that one message takes; more is a file to be used
_EXCERPT = 1_500
_WHOLE_TEXT = "text.txt"
_IN_FILE = "The whole text is in the file."
_TYPING_S = 8.0  # Discord shows it for ten seconds


class DiscordReply:
    """`Reply`: in a thread, a channel, a DM, or to an interaction."""

    def __init__(
        self,
        job: Job,
        posted: Sequence[str],
        *,
        api: Api,
        errands: Errands,
        conversations: ConversationStore,
        small_print: Sequence[str] = (),
        note: Callable[[str, Posted], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job = job
        self._note = partial(note, job.source)
        self._posts = Posts(api, job, posted, errands=errands, note=self._note)
        self._conversations = conversations
        self._small_print = tuple(small_print)
        self._clock = clock
        self._uploads: list[Upload] = []
        self._whole_text = ""  # of an answer that should have been a file
        self._typed_at_s = float("-inf")

    def withdraw(self) -> None:
        """Its question was forgotten: what stands may be edited or goes, and nothing is posted anew."""
        self._posts.withdraw()

    async def show(self, text: str, *, progress: bool) -> Posted:
        """See `Reply.show`."""
        contents = [f"-# {text}"] if progress or not text.strip() else lay_out(self.job.kind, text)[:MOST_PARTS]
        await self._posts.draft(self._parts(contents, (Verb.STOP,)))
        if progress and self._clock() - self._typed_at_s > _TYPING_S:
            self._typed_at_s = self._clock()
            await self._posts.show_typing()
        return self._posted()

    async def attach(self, name: str, content: bytes) -> Posted:
        """See `Reply.attach`: it goes with the final text, in the same message; as messages where files may not be sent."""
        if self._posts.takes_files:
            self._uploads.append(Upload(name=name, content=content))
        else:
            self._whole_text = content.decode()
        return self._posted()

    async def finish(self, done: Done) -> Posted:
        """See `Reply.finish`."""
        conversation = await self._conversations.load(self.job.conversation)
        text, names = word(self.job, self._whole_text or done.text, conversation)
        notices, uploads = [plain(notice) for notice in done.notices], list(self._uploads)
        if self._whole_text:
            notices.append(f'This would be a file if I had the permission "{title_of("attach_files")}".')
        if self.job.kind is JobKind.OCR and self._posts.takes_files and (uploads or len(text) > _OCR_IN_ONE):
            uploads = uploads or [Upload(name=_WHOLE_TEXT, content=text.encode())]
            text = uploads[0].content.decode()[:_EXCERPT].rstrip()
            notices.insert(0, _IN_FILE)
        contents = lay_out(self.job.kind, text, small_print=[*notices, *names, *self._small_print])
        await self._posts.conclude(self._parts(contents, self._verbs(conversation)), uploads=uploads)
        return self._posted()

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:
        """See `Reply.fail`. What was never accepted is told to the asker alone, where that is possible."""
        if not self.job.accepted_at_s:
            await self._posts.refuse(Part(content=sentence))
            return ()
        if isinstance(ending, Failed):
            contents = lay_out(JobKind.ASK, plain(sentence), small_print=[plain(notice) for notice in ending.notices])
        else:
            contents = lay_out(self.job.kind, ending.text, small_print=[sentence]) if ending.text else [sentence]
        verbs = () if isinstance(ending, Cancelled) and ending.reason == "forgotten" else (Verb.AGAIN,)
        await self._posts.conclude(self._parts(contents, () if self._posts.is_private else verbs))
        return self._posted()

    def _parts(self, contents: Sequence[str], verbs: Sequence[Verb]) -> list[Part]:
        """The buttons are under the last part."""
        ticket = Ticket.of(self.job)
        buttons = tuple(Button(verb, ticket) for verb in verbs)
        return [*(Part(content=content) for content in contents[:-1]), Part(content=contents[-1], buttons=buttons)]

    def _verbs(self, conversation: Conversation) -> tuple[Verb, ...]:
        if self._posts.is_private:  # where the model said nothing, there is nothing to share
            said = any(turn.source == self.job.source and turn.answer.strip() for turn in conversation.turns)
            return (Verb.SHARE,) if said else ()
        reads = conversation.pictures and self.job.kind is not JobKind.OCR
        return (Verb.AGAIN, *((Verb.READ,) if reads else ()), Verb.GOOD, Verb.BAD)

    def _posted(self) -> Posted:
        self._note(self._posts.posted)
        return self._posts.posted
