import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.fetching import Fetcher
from bot.intake import Intake, TakenIn
from bot.sandbox.pool import Sandbox
from jobs import ConversationId, JobKind
from jobs.memory import MemoryJobs
from tests.bot.fakes import FakePlatform, FakeWorker, conversation, mention
from tests.bot.pictures import BLUE, halves, is_near, opened, png, saved

MIB = 1024**2
TakeIn = Callable[..., Awaitable[TakenIn]]


@pytest.fixture
async def intake(jobs: MemoryJobs) -> AsyncIterator[Intake]:
    sandbox = Sandbox(processes=2, memory_bytes=512 * MIB, time_limit_s=10.0, max_pixels=1_000_000)
    yield Intake(
        fetcher=Fetcher(max_bytes=MIB, timeout_s=1.0),
        sandbox=sandbox,
        pictures=jobs.pictures,
        conversations=jobs.conversations,
        max_pictures=3,
    )
    await sandbox.close()


@pytest.fixture
def where() -> ConversationId:
    return conversation()


@pytest.fixture
def take_in(intake: Intake, platform: FakePlatform, where: ConversationId) -> TakeIn:
    async def take(*origins: str, kind: JobKind = JobKind.ASK) -> TakenIn:
        job = mention("what is this?", *origins, where=where, kind=kind).as_job(patience_s=60.0)
        return await intake.take_in(job, platform)

    return take


async def ask_and_answer(jobs: MemoryJobs, worker: FakeWorker, taken: TakenIn, where: ConversationId) -> None:
    """The pictures join the conversation."""
    job = mention("what is this?", where=where).as_job(patience_s=60.0)
    await jobs.queue_in.submit(job, holder="bot")
    await jobs.queue_in.attach(job.id, taken.pictures)
    await worker.answer("a flag")


async def test_pictures_are_stored_in_the_order_of_the_question(
    take_in: TakeIn, jobs: MemoryJobs, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files = {"flag.png": png(), "blue.jpg": saved(halves(60, 40).transpose(1), "JPEG")}
    taken = await take_in("flag.png", "blue.jpg")
    assert [(picture.name, picture.width, picture.height) for picture in taken.pictures] == [
        ("flag.png", 120, 80),
        ("blue.jpg", 60, 40),
    ]
    stored = [await jobs.pictures.get(where.tenant_key, picture.digest) for picture in taken.pictures]
    assert opened(stored[0]).tobytes() == halves().tobytes()
    assert is_near(opened(stored[1]).getpixel((30, 35)), opened(stored[1]).getpixel((30, 30)))
    assert taken.verdicts == ()


async def test_one_bad_file_does_not_lose_the_others(take_in: TakeIn, platform: FakePlatform) -> None:
    platform.files = {"a.png": png(), "notes.png": b"just words", "c.jpg": saved(halves(), "JPEG")[:300]}
    taken = await take_in("a.png", "notes.png", "c.jpg")
    assert [picture.name for picture in taken.pictures] == ["a.png"]
    assert taken.verdicts == (
        "Picture 2 skipped: it is a text file, not a picture.",
        "Picture 3 skipped: the file is damaged or cut short.",
    )
    assert not taken.leaves_nothing_to_see


async def test_more_pictures_than_allowed_are_named_one_by_one(take_in: TakeIn, platform: FakePlatform) -> None:
    platform.files = {name: png() for name in "abcde"}
    taken = await take_in(*"abcde")
    assert len(taken.pictures) == 3
    assert taken.verdicts == (
        "Picture 4 skipped: the limit is 3 pictures a question.",
        "Picture 5 skipped: the limit is 3 pictures a question.",
    )
    assert platform.fetched == ["a", "b", "c"]


async def test_when_every_file_is_refused_there_is_nothing_to_see(take_in: TakeIn, platform: FakePlatform) -> None:
    taken = await take_in("gone.png")
    assert taken.leaves_nothing_to_see
    assert taken.verdicts == ("Picture 1 skipped: it cannot be fetched (it was deleted).",)


async def test_earlier_pictures_are_something_to_see(
    take_in: TakeIn, jobs: MemoryJobs, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files["a.png"] = png()
    await ask_and_answer(jobs, worker, await take_in("a.png"), where)
    taken = await take_in("gone.png")
    assert (taken.earlier, taken.leaves_nothing_to_see) == (1, False)


@pytest.mark.parametrize(("kind", "crops"), [(JobKind.ASK, 4), (JobKind.COMPARE, 4), (JobKind.OCR, 16)])
async def test_reading_looks_closer(take_in: TakeIn, platform: FakePlatform, kind: JobKind, crops: int) -> None:
    platform.files["a.png"] = png()
    (picture,) = (await take_in("a.png", kind=kind)).pictures
    assert picture.max_crops == crops


async def test_a_known_picture_is_not_fetched_again(
    take_in: TakeIn, jobs: MemoryJobs, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files = {"a.png": png(), "b.png": png(halves(50, 50))}
    first = await take_in("a.png")
    await ask_and_answer(jobs, worker, first, where)
    again = await take_in("a.png", "b.png")
    assert platform.fetched == ["a.png", "b.png"]
    assert again.pictures[0].digest == first.pictures[0].digest
    assert again.pictures[0].number == 1


async def test_a_known_picture_whose_bytes_are_gone_is_fetched_again(
    take_in: TakeIn, jobs: MemoryJobs, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files["a.png"] = png()
    first = await take_in("a.png")
    await ask_and_answer(jobs, worker, first, where)
    jobs.pictures._state.pictures.clear()  # evicted
    again = await take_in("a.png")
    assert again.pictures[0].digest == first.pictures[0].digest
    assert await jobs.pictures.get(where.tenant_key, first.pictures[0].digest) is not None


async def test_a_follow_up_brings_back_the_pictures_it_does_not_mention(
    take_in: TakeIn, jobs: MemoryJobs, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files["a.png"] = png()
    first = await take_in("a.png")
    await ask_and_answer(jobs, worker, first, where)
    jobs.pictures._state.pictures.clear()
    follow_up = await take_in()
    assert (follow_up.pictures, follow_up.verdicts) == ((), ())
    assert await jobs.pictures.get(where.tenant_key, first.pictures[0].digest) is not None


async def test_taking_in_twice_gives_the_same(take_in: TakeIn, platform: FakePlatform) -> None:
    platform.files = {"a.jpg": saved(halves(300, 200), "JPEG"), "b": b"words"}
    assert await take_in("a.jpg", "b") == await take_in("a.jpg", "b")


async def test_nobody_waits_for_a_stalling_file(intake: Intake, platform: FakePlatform) -> None:
    slow, quick = FakePlatform(), platform
    slow.files["a"] = quick.files["a"] = png()
    slow.pause_s = 60.0
    stalling = asyncio.create_task(intake.take_in(mention("?", *"aaa").as_job(patience_s=60.0), slow))
    await asyncio.sleep(0.05)
    taken = await asyncio.wait_for(intake.take_in(mention("?", "a").as_job(patience_s=60.0), quick), timeout=0.9)
    assert len(taken.pictures) == 1
    assert not stalling.done()
    assert (await stalling).verdicts[0] == "Picture 1 skipped: it took more than 1 s to arrive."


async def test_a_turned_photo_is_stored_upright(
    take_in: TakeIn, jobs: MemoryJobs, platform: FakePlatform, where: ConversationId
) -> None:
    exif = opened(saved(halves(), "JPEG")).getexif()
    exif[0x0112] = 6  # the camera was held a quarter turn to the left
    platform.files["photo.jpg"] = saved(halves(200, 100), "JPEG", exif=exif)
    (picture,) = (await take_in("photo.jpg")).pictures
    stored = opened(await jobs.pictures.get(where.tenant_key, picture.digest))
    assert (picture.width, picture.height) == stored.size == (100, 200)
    assert is_near(stored.getpixel((50, 150)), BLUE)
