"""The pictures of a question: fetched, verified, brought into their stored form and stored, a verdict for each file."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from bot import links
from bot.errors import (
    FramesLeftOut,
    NotAPicture,
    PagesLeftOut,
    PictureDropped,
    PictureRefused,
    TooManyPictures,
)
from bot.fetching import Fetcher
from bot.frontend import Frontend
from bot.sandbox.pool import Sandbox
from bot.sandbox.wire import Normalised, Opened
from jobs import Conversation, ConversationStore, Job, JobKind, Picture, PictureRef, PictureStore, digest_of

T = TypeVar("T")
_FileName = tuple[str, str]  # platform, origin

_FILES_AT_ONCE = 64  # over all conversations: bounds the memory that files take between fetching and storing
_FILES_OF_ONE_QUESTION = 4  # of those, so that one question with ten slow files leaves room for the others
_LONGEST_NAME = 60  # characters of a file's name in a sentence about it
_BROUGHT_BACK = 24  # earlier files, the latest; a context of 16,384 tokens shows 21 pictures


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

    At most `max_pictures` a question, of a document its first `max_pages`; each is looked at in up to `max_crops`
    crops (`ocr_crops` for reading).
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        sandbox: Sandbox,
        pictures: PictureStore,
        conversations: ConversationStore,
        max_pictures: int = 10,
        max_pages: int = 4,
        max_crops: int = 4,
        ocr_crops: int = 16,
    ) -> None:
        self._fetcher = fetcher
        self._sandbox = sandbox
        self._pictures = pictures
        self._conversations = conversations
        self.max_pictures = max_pictures
        self._max_pages = max_pages
        self._max_crops = max_crops
        self._ocr_crops = ocr_crops
        self._room = asyncio.Semaphore(_FILES_AT_ONCE)

    async def take_in(self, job: Job, frontend: Frontend) -> TakenIn:
        """Every picture that the question refers to; one bad file does not lose the others.

        Earlier pictures of the conversation whose bytes are gone are fetched again as well; where that fails the
        answer says so.

        Raises:
            ExceptionGroup: of `StoreUnavailable`; nothing can be kept right now.
        """
        album = _Album(await self._conversations.load(job.conversation))
        question = _Question(job=job, frontend=frontend, album=album)
        posted, written = _files_of(job)
        places = [*enumerate(posted, start=1), *enumerate(written[: self.max_pictures], start=1)]
        async with asyncio.TaskGroup() as group:
            taking = [
                (ref, group.create_task(_verdict(self._take(question, ref, place=place)))) for place, ref in places
            ]
            for pictures in album.files_besides({_file_of(ref) for _, ref in places}):
                group.create_task(_verdict(self._bring_back(question, pictures)))
        results = [task.result() for ref, task in taking if not _is_web_page(ref, task.result())]
        if sum(isinstance(result, _File) for result in results) >= self.max_pictures:
            results += [self._too_many(_name_of(ref)) for ref in written[self.max_pictures :]]
        return self._taken_in(results, earlier=len(album.pictures))

    def _taken_in(self, results: "Sequence[_File | PictureRefused]", *, earlier: int) -> TakenIn:
        """What fits of all this, in order. Pictures that the conversation knows take no room."""
        pictures: list[Picture] = []
        verdicts: list[PictureRefused] = []
        room = self.max_pictures
        for result in results:
            if isinstance(result, PictureRefused):
                verdicts.append(result)
                continue
            new = [picture for picture in result.pictures if not picture.number]
            fitting = [picture for picture in result.pictures if picture not in new[room:]]
            room -= len(new[:room])
            pictures += fitting
            if not fitting:
                verdicts.append(self._too_many(result.name))
            elif result.pages_left_out or len(fitting) < len(result.pictures):
                verdicts.append(PagesLeftOut(page=fitting[-1].ref.page + 1, name=result.name))
            elif result.frames_left_out:
                verdicts.append(FramesLeftOut(name=result.name))
        if pictures or earlier:  # else it is said why there is nothing to see
            verdicts = [verdict for verdict in verdicts if not isinstance(verdict, PictureDropped)]
        return TakenIn(
            pictures=tuple(pictures), verdicts=tuple(verdict.sentence for verdict in verdicts), earlier=earlier
        )

    def _too_many(self, name: str) -> TooManyPictures:
        return TooManyPictures(name=name, limit=self.max_pictures)

    async def _take(self, question: "_Question", ref: PictureRef, *, place: int) -> "_File":
        """What is behind a reference; what the conversation has already is not fetched again."""
        name = _name_of(ref, place=place)
        known = question.album.pictures_of(ref)
        if not known:
            if place > self.max_pictures:
                raise self._too_many(name)
            if dropped := question.album.dropped_of(ref):
                raise PictureDropped(number=dropped[0].number)
        elif await self._are_stored(question, known):
            return _File(name=name, pictures=known)
        async with question.room, self._room:
            opened = await self._open(question, ref, name=name)
            wanted = [form for form in opened.pictures if not question.album.is_dropped(ref, form)]
            if not wanted:
                raise PictureDropped(number=question.album.dropped_of(ref)[0].number)
            return _File(
                name=name,
                pictures=tuple([await self._keep(question, ref, form) for form in wanted]),
                pages_left_out=opened.pages_left_out,
                frames_left_out=opened.frames_left_out,
            )

    async def _bring_back(self, question: "_Question", pictures: Sequence[Picture]) -> None:
        """Bytes of earlier pictures of one file that are gone; only the very same ones are of use."""
        if await self._are_stored(question, pictures):
            return
        async with question.room, self._room:
            opened = await self._open(question, pictures[0].ref, name=pictures[0].name)
            digests = {picture.digest for picture in pictures}
            for form in opened.pictures:
                if digest_of(form.stored) in digests:
                    await self._pictures.put(question.job.conversation, form.stored)

    async def _open(self, question: "_Question", ref: PictureRef, *, name: str) -> Opened:
        content = await self._fetcher.fetch(question.frontend, ref, name=name)
        async with question.decoding:
            return await self._sandbox.normalise(content, name=name, max_pages=self._max_pages)

    async def _keep(self, question: "_Question", ref: PictureRef, form: Normalised) -> Picture:
        """Stored, and the picture that it is: the one that the conversation knows, where it is the same."""
        digest = await self._pictures.put(question.job.conversation, form.stored)
        for known in question.album.pictures_of(ref):
            if (known.digest, known.ref.page) == (digest, form.page):  # pages may look alike
                return known
        crops = self._ocr_crops if question.job.kind is JobKind.OCR else self._max_crops
        page = msgspec.structs.replace(ref, page=form.page)
        return Picture(digest=digest, width=form.width, height=form.height, ref=page, max_crops=crops)

    async def _are_stored(self, question: "_Question", pictures: Sequence[Picture]) -> bool:
        tenant = question.job.conversation.tenant_key
        return all(await asyncio.gather(*(self._pictures.has(tenant, picture.digest) for picture in pictures)))


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """What was behind one reference: a picture, or the first pages of a document."""

    name: str  # for the sentences about it
    pictures: tuple[Picture, ...]
    pages_left_out: int = 0
    frames_left_out: bool = False


class _Album:
    """A conversation's pictures by the files that they came from."""

    def __init__(self, conversation: Conversation) -> None:
        self.pictures = conversation.pictures
        self._files = _by_file(conversation.pictures)
        self._dropped = _by_file(conversation.dropped)

    def pictures_of(self, ref: PictureRef) -> tuple[Picture, ...]:
        """Those that came from this file."""
        return tuple(self._files.get(_file_of(ref), ()))

    def dropped_of(self, ref: PictureRef) -> tuple[Picture, ...]:
        """Those of this file that somebody took out."""
        return tuple(self._dropped.get(_file_of(ref), ()))

    def is_dropped(self, ref: PictureRef, form: Normalised) -> bool:
        """This page, or the picture itself, was taken out."""
        return any(picture.ref.page == form.page for picture in self.dropped_of(ref))

    def files_besides(self, references: Collection[_FileName]) -> list[list[Picture]]:
        """The pictures of the latest files, less those that the question refers to itself."""
        latest = list(self._files.items())[-_BROUGHT_BACK:]
        return [pictures for file, pictures in latest if file not in references]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """One question's pictures on their way in.

    They are fetched side by side and decoded one after the other: ten pictures hold one decoder, and the other
    conversations have the rest.
    """

    job: Job
    frontend: Frontend
    album: _Album
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_OF_ONE_QUESTION))
    decoding: asyncio.Lock = field(default_factory=asyncio.Lock)


def _files_of(job: Job) -> tuple[list[PictureRef], list[PictureRef]]:
    """What the question refers to, each file once: what was posted, and addresses that stand in words."""
    references: dict[_FileName, PictureRef] = {}
    for ref in job.references:
        references.setdefault(_file_of(ref), ref)
    written = [ref for ref in references.values() if ref.platform == links.PLATFORM]
    return [ref for ref in references.values() if ref not in written], written


def _name_of(ref: PictureRef, *, place: int = 1) -> str:
    """What a sentence calls a file, on one line. Never "Picture 3": that is the third one of the conversation."""
    name = "".join(letter for letter in " ".join(ref.name.split()) if letter.isprintable())
    if len(name) > _LONGEST_NAME:
        half = (_LONGEST_NAME - len("...")) // 2
        name = f"{name[:half]}...{name[-half:]}"
    return name or f"File {place}"


def _is_web_page(ref: PictureRef, result: object) -> bool:
    """People write addresses for each other: one that leads to no picture is nothing to speak of."""
    return ref.platform == links.PLATFORM and isinstance(result, NotAPicture)


def _by_file(pictures: Sequence[Picture]) -> dict[_FileName, list[Picture]]:
    files = defaultdict(list)
    for picture in pictures:
        files[_file_of(picture.ref)].append(picture)
    return files


def _file_of(ref: PictureRef) -> _FileName:
    return ref.platform, ref.origin


async def _verdict(work: Awaitable[T]) -> T | PictureRefused:
    try:
        return await work
    except PictureRefused as refusal:
        return refusal
