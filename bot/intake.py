"""The pictures of a question: fetched, verified, brought into their stored form and stored, a verdict for each file."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

import msgspec

from bot.errors import PictureRefused, TooManyPictures
from bot.fetching import Fetcher
from bot.frontend import Frontend
from bot.sandbox.pool import Sandbox
from jobs import ConversationStore, Job, JobKind, Picture, PictureRef, PictureStore


class TakenIn(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a question's references, in their order."""

    pictures: tuple[Picture, ...] = ()
    verdicts: tuple[str, ...] = ()  # sentences, one for each file that was refused
    earlier: int = 0  # pictures that the conversation had before

    @property
    def leaves_nothing_to_see(self) -> bool:
        """The question was about pictures, and there is none."""
        return bool(self.verdicts) and not self.pictures and not self.earlier


class Intake:
    """Takes in the pictures of accepted questions. Taking them in again for the same job gives the same.

    At most `max_pictures` a question, each looked at in up to `max_crops` crops (`ocr_crops` for reading).
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        sandbox: Sandbox,
        pictures: PictureStore,
        conversations: ConversationStore,
        max_pictures: int = 10,
        max_crops: int = 4,
        ocr_crops: int = 16,
    ) -> None:
        self._fetcher = fetcher
        self._sandbox = sandbox
        self._pictures = pictures
        self._conversations = conversations
        self._max_pictures = max_pictures
        self._max_crops = max_crops
        self._ocr_crops = ocr_crops

    async def take_in(self, job: Job, frontend: Frontend) -> TakenIn:
        """Every picture that the question refers to; one bad file does not lose the others.

        Earlier pictures of the conversation whose bytes are gone are fetched again as well.

        Raises:
            ExceptionGroup: of `StoreUnavailable`; nothing can be kept right now.
        """
        conversation = await self._conversations.load(job.conversation)
        known = {picture.ref.origin: picture for turn in conversation.turns for picture in turn.pictures}
        question = _Question(job=job, frontend=frontend, known=known)
        referred = {ref.origin for ref in job.references}
        async with asyncio.TaskGroup() as group:
            taking = [
                group.create_task(_verdict(self._take(question, ref, number=number)))
                for number, ref in enumerate(job.references, start=1)
            ]
            for picture in known.values():
                if picture.ref.origin not in referred:  # where it fails, the answer says so
                    group.create_task(_verdict(self._take(question, picture.ref, number=picture.number)))
        results = [task.result() for task in taking]
        return TakenIn(
            pictures=tuple(result for result in results if isinstance(result, Picture)),
            verdicts=tuple(result.sentence for result in results if isinstance(result, PictureRefused)),
            earlier=len(known),
        )

    async def _take(self, question: "_Question", ref: PictureRef, *, number: int) -> Picture:
        """The picture behind a reference; what the conversation has already is not fetched again."""
        known = question.known.get(ref.origin)
        if known is None and number > self._max_pictures:
            raise TooManyPictures(number=number, limit=self._max_pictures)
        if known is not None and await self._is_stored(known, question.job):
            return known
        content = await self._fetcher.fetch(question.frontend, ref, number=number)
        async with question.decoding:
            form = await self._sandbox.normalise(content, number=number)
        digest = await self._pictures.put(question.job.conversation, form.stored)
        crops = self._ocr_crops if question.job.kind is JobKind.OCR else self._max_crops
        return Picture(digest=digest, width=form.width, height=form.height, ref=ref, max_crops=crops)

    async def _is_stored(self, picture: Picture, job: Job) -> bool:
        return await self._pictures.get(job.conversation.tenant_key, picture.digest) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One question's pictures on their way in.

    They are fetched side by side and decoded one after the other: ten pictures hold one decoder, and the other
    conversations have the rest.
    """

    job: Job
    frontend: Frontend
    known: Mapping[str, Picture]  # the conversation's, by origin
    decoding: asyncio.Lock = field(default_factory=asyncio.Lock)


async def _verdict(work: Awaitable[Picture]) -> Picture | PictureRefused:
    try:
        return await work
    except PictureRefused as refusal:
        return refusal
