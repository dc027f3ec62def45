import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio
from PIL import Image

import bot.intake
from bot.errors import Unfetchable
from bot.fetching import Fetcher
from bot.intake import Intake, TakenIn
from bot.links import with_links
from bot.sandbox.pool import Sandbox
from jobs import ConversationId, JobKind, Picture, PictureRef
from jobs.memory import MemoryJobs
from tests.bot.fakes import FakePlatform, FakeWorker, conversation, mention
from tests.bot.pictures import BLUE, halves, is_near, opened, pdf, png, raw_pdf, saved
from tests.bot.sandbox.samples import SAMPLES

pytest.importorskip("pillow_heif").register_heif_opener()

MIB = 1024**2


pytestmark = pytest.mark.asyncio(loop_scope="module")  # all tests share the decoders


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(processes=2, memory_bytes=512 * MIB, time_limit_s=10.0, max_pixels=1_000_000)
    yield sandbox
    await sandbox.close()


@pytest.fixture
def intake(jobs: MemoryJobs, sandbox: Sandbox) -> Intake:
    return Intake(
        fetcher=Fetcher(max_bytes=MIB, timeout_s=1.0),
        sandbox=sandbox,
        pictures=jobs.pictures,
        conversations=jobs.conversations,
        max_pictures=3,
        max_pages=2,
    )


@dataclass
class Thread:
    """One conversation on the platform."""

    intake: Intake
    jobs: MemoryJobs
    platform: FakePlatform
    where: ConversationId

    async def take_in(self, *origins: str, kind: JobKind = JobKind.ASK) -> TakenIn:
        job = mention("what is this?", *origins, where=self.where, kind=kind).as_job(patience_s=60.0)
        return await self.intake.take_in(job, self.platform)

    async def join(self, taken: TakenIn) -> None:
        """The pictures join the conversation: their question is answered."""
        job = mention("what is this?", where=self.where).as_job(patience_s=60.0)
        await self.jobs.queue_in.submit(job, holder="bot")
        await self.jobs.queue_in.attach(job.id, taken.pictures)
        await FakeWorker(self.jobs).answer("a flag")

    async def has(self, picture: Picture) -> bool:
        return await self.jobs.pictures.has(self.where.tenant_key, picture.digest)

    def lose_bytes(self) -> None:
        """All of them are evicted."""
        self.jobs.pictures._state.pictures.clear()


@pytest.fixture
def thread(intake: Intake, jobs: MemoryJobs, platform: FakePlatform) -> Thread:
    return Thread(intake, jobs, platform, conversation())


async def test_pictures_are_stored_in_the_order_of_the_question(thread: Thread) -> None:
    thread.platform.files = {"flag.png": png(), "blue.jpg": saved(halves(60, 40).transpose(1), "JPEG")}
    taken = await thread.take_in("flag.png", "blue.jpg")
    assert [(picture.name, picture.width, picture.height) for picture in taken.pictures] == [
        ("flag.png", 120, 80),
        ("blue.jpg", 60, 40),
    ]
    stored = [await thread.jobs.pictures.get(thread.where.tenant_key, picture.digest) for picture in taken.pictures]
    assert opened(stored[0]).tobytes() == halves().tobytes()
    assert is_near(opened(stored[1]).getpixel((30, 35)), opened(stored[1]).getpixel((30, 30)))
    assert taken.verdicts == ()


async def test_one_bad_file_does_not_lose_the_others(thread: Thread) -> None:
    thread.platform.files = {"a.png": png(), "notes.png": b"just words", "c.jpg": saved(halves(), "JPEG")[:300]}
    taken = await thread.take_in("a.png", "notes.png", "c.jpg")
    assert [picture.name for picture in taken.pictures] == ["a.png"]
    assert taken.verdicts == (
        "notes.png skipped: it is a text file, not a picture.",
        "c.jpg skipped: the file is damaged or cut short.",
    )
    assert not taken.leaves_nothing_to_see


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("clip.mp4", "clip.mp4"),
        ("", "File 2"),
        ("two\nlines\x1b\u202e.png", "two lines.png"),
        ("\n", "File 2"),
        (f"{'a' * 200}.png", f"{'a' * 28}...{'a' * 24}.png"),
    ],
)
async def test_a_refused_file_is_called_by_its_name_on_one_line_or_by_its_place(
    thread: Thread, name: str, called: str
) -> None:
    thread.platform.files["a.png"] = png()
    asked = mention("what is this?", "a.png", where=thread.where)
    clip = PictureRef(platform="fake", origin="gone", name=name)
    job = msgspec.structs.replace(asked, references=(*asked.references, clip)).as_job(patience_s=60.0)
    taken = await thread.intake.take_in(job, thread.platform)
    assert taken.verdicts == (f"{called} skipped: it cannot be fetched (it was deleted).",)


async def test_more_pictures_than_allowed_are_named_one_by_one(thread: Thread) -> None:
    thread.platform.files = {name: png() for name in "abcde"}
    taken = await thread.take_in(*"abcde")
    assert len(taken.pictures) == 3
    assert taken.verdicts == (
        "d skipped: the limit is 3 pictures a question.",
        "e skipped: the limit is 3 pictures a question.",
    )
    assert thread.platform.fetched == ["a", "b", "c"]


async def test_when_every_file_is_refused_there_is_nothing_to_see(thread: Thread) -> None:
    taken = await thread.take_in("gone.png")
    assert taken.leaves_nothing_to_see
    assert taken.verdicts == ("gone.png skipped: it cannot be fetched (it was deleted).",)


async def test_earlier_pictures_are_something_to_see(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    await thread.join(await thread.take_in("a.png"))
    taken = await thread.take_in("gone.png")
    assert (taken.earlier, taken.leaves_nothing_to_see) == (1, False)


@pytest.mark.parametrize(("kind", "crops"), [(JobKind.ASK, 4), (JobKind.COMPARE, 4), (JobKind.OCR, 16)])
async def test_reading_looks_closer(thread: Thread, kind: JobKind, crops: int) -> None:
    thread.platform.files["a.png"] = png()
    (picture,) = (await thread.take_in("a.png", kind=kind)).pictures
    assert picture.max_crops == crops


async def test_a_known_picture_is_not_fetched_again(thread: Thread) -> None:
    thread.platform.files = {"a.png": png(), "b.png": png(halves(50, 50))}
    first = await thread.take_in("a.png")
    await thread.join(first)
    again = await thread.take_in("a.png", "b.png")
    assert thread.platform.fetched == ["a.png", "b.png"]
    assert again.pictures[0].digest == first.pictures[0].digest
    assert again.pictures[0].number == 1


async def test_a_known_picture_whose_bytes_are_gone_is_fetched_again(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    first = await thread.take_in("a.png")
    await thread.join(first)
    thread.lose_bytes()  # evicted
    again = await thread.take_in("a.png")
    assert again.pictures[0].digest == first.pictures[0].digest
    assert await thread.jobs.pictures.get(thread.where.tenant_key, first.pictures[0].digest) is not None


async def test_a_follow_up_brings_back_the_pictures_it_does_not_mention(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    first = await thread.take_in("a.png")
    await thread.join(first)
    thread.lose_bytes()
    follow_up = await thread.take_in()
    assert (follow_up.pictures, follow_up.verdicts) == ((), ())
    assert await thread.jobs.pictures.get(thread.where.tenant_key, first.pictures[0].digest) is not None


async def test_taking_in_twice_gives_the_same(thread: Thread) -> None:
    thread.platform.files = {"a.jpg": saved(halves(300, 200), "JPEG"), "b": b"words"}
    assert await thread.take_in("a.jpg", "b") == await thread.take_in("a.jpg", "b")


async def test_nobody_waits_for_a_stalling_file(intake: Intake, platform: FakePlatform) -> None:
    slow, quick = FakePlatform(), platform
    slow.files["a"] = quick.files["a"] = png()
    slow.pause_s = 60.0
    stalling = asyncio.create_task(intake.take_in(mention("?", *"aaa").as_job(patience_s=60.0), slow))
    await asyncio.sleep(0.05)
    taken = await asyncio.wait_for(intake.take_in(mention("?", "a").as_job(patience_s=60.0), quick), timeout=0.9)
    assert len(taken.pictures) == 1
    assert not stalling.done()
    assert (await stalling).verdicts[0] == "a skipped: it took more than 1 s to arrive."


async def test_a_turned_photo_is_stored_upright(thread: Thread) -> None:
    exif = opened(saved(halves(), "JPEG")).getexif()
    exif[0x0112] = 6  # the camera was held a quarter turn to the left
    thread.platform.files["photo.jpg"] = saved(halves(200, 100), "JPEG", exif=exif)
    (picture,) = (await thread.take_in("photo.jpg")).pictures
    stored = opened(await thread.jobs.pictures.get(thread.where.tenant_key, picture.digest))
    assert (picture.width, picture.height) == stored.size == (100, 200)
    assert is_near(stored.getpixel((50, 150)), BLUE)


# ------------------------------------------------------------ bytes that are gone


async def test_bytes_that_are_there_are_not_read_to_know_it(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    thread.platform.files["a.png"] = png()
    await thread.join(await thread.take_in("a.png"))

    async def nobody_reads(*_: str) -> bytes:
        raise AssertionError

    monkeypatch.setattr(thread.jobs.pictures, "get", nobody_reads)
    assert (await thread.take_in("a.png")).pictures[0].number == 1
    assert thread.platform.fetched == ["a.png"]


async def test_other_bytes_from_the_same_place_do_not_stand_in_for_an_earlier_picture(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    first = await thread.take_in("a.png")
    await thread.join(first)
    thread.lose_bytes()
    thread.platform.files["a.png"] = png(halves(60, 60))
    assert (await thread.take_in()).pictures == ()
    assert thread.platform.fetched == ["a.png", "a.png"]
    assert not await thread.has(first.pictures[0])
    assert thread.jobs.pictures._state.pictures == {}


async def test_a_picture_that_is_named_again_and_has_changed_is_a_new_one(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    await thread.join(await thread.take_in("a.png"))
    thread.lose_bytes()
    thread.platform.files["a.png"] = png(halves(60, 60))
    (picture,) = (await thread.take_in("a.png")).pictures
    assert (picture.width, picture.number) == (60, 0)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "PDF"])
async def test_bringing_back_gives_the_very_same_bytes(thread: Thread, format_: str) -> None:
    thread.platform.files["a"] = saved(halves(400, 300), format_)
    first = await thread.take_in("a")
    await thread.join(first)
    thread.lose_bytes()
    await thread.take_in()
    assert await thread.has(first.pictures[0])


async def test_what_is_brought_back_is_the_latest(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.intake, "_BROUGHT_BACK", 2)
    for side, name in enumerate("abc", start=50):
        thread.platform.files[name] = png(halves(side, side))
        await thread.join(await thread.take_in(name))
    thread.lose_bytes()
    thread.platform.fetched.clear()
    await thread.take_in()
    assert sorted(thread.platform.fetched) == ["b", "c"]


# ------------------------------------------------------------ documents


def pages(count: int) -> list[Image.Image]:
    return [halves(120 + 10 * number, 80) for number in range(count)]


async def test_the_first_pages_of_a_document_are_pictures_and_the_rest_is_said(thread: Thread) -> None:
    thread.platform.files = {"report.pdf": pdf(*pages(5)), "a.png": png()}
    taken = await thread.take_in("report.pdf", "a.png")
    assert [(picture.name, picture.ref.page) for picture in taken.pictures] == [
        ("report.pdf", 1),
        ("report.pdf", 2),
        ("a.png", 0),
    ]
    assert taken.verdicts == ("Page 3 and later of report.pdf were left out.",)


async def test_pages_count_towards_the_pictures_of_a_question(thread: Thread) -> None:
    thread.platform.files = {"a.pdf": pdf(*pages(2)), "b.pdf": pdf(*pages(2)), "c.png": png()}
    taken = await thread.take_in("a.pdf", "b.pdf", "c.png")
    assert [(picture.name, picture.ref.page) for picture in taken.pictures] == [
        ("a.pdf", 1),
        ("a.pdf", 2),
        ("b.pdf", 1),
    ]
    assert taken.verdicts == (
        "Page 2 and later of b.pdf were left out.",
        "c.png skipped: the limit is 3 pictures a question.",
    )


async def test_an_animation_says_that_its_first_frame_is_all_that_is_seen(thread: Thread) -> None:
    thread.platform.files = {"moving.gif": SAMPLES["gif animated"](), "a.gif": SAMPLES["gif"]()}
    taken = await thread.take_in("moving.gif", "a.gif")
    assert [picture.name for picture in taken.pictures] == ["moving.gif", "a.gif"]
    assert taken.verdicts == ("Only the first picture in moving.gif is looked at; the file holds several.",)


async def test_a_known_document_is_not_fetched_again(thread: Thread) -> None:
    thread.platform.files["a.pdf"] = pdf(*pages(2))
    await thread.join(await thread.take_in("a.pdf"))
    again = await thread.take_in("a.pdf")
    assert [(picture.ref.page, picture.number) for picture in again.pictures] == [(1, 1), (2, 2)]
    assert thread.platform.fetched == ["a.pdf"]


async def test_the_pages_of_a_document_are_brought_back_with_one_fetch(thread: Thread) -> None:
    thread.platform.files["a.pdf"] = pdf(*pages(2))
    first = await thread.take_in("a.pdf")
    await thread.join(first)
    thread.lose_bytes()
    again = await thread.take_in("a.pdf")
    assert [picture.number for picture in again.pictures] == [1, 2]
    thread.lose_bytes()
    await thread.take_in()
    assert thread.platform.fetched == ["a.pdf"] * 3
    for picture in first.pictures:
        assert await thread.has(picture)


async def test_a_damaged_document_is_one_verdict(thread: Thread) -> None:
    thread.platform.files = {"a.pdf": raw_pdf(pages=0), "b.pdf": pdf(*pages(1))}
    taken = await thread.take_in("a.pdf", "b.pdf")
    assert [picture.name for picture in taken.pictures] == ["b.pdf"]
    assert taken.verdicts == ("a.pdf skipped: the file is damaged or cut short.",)


# ------------------------------------------------------------ pictures that somebody dropped


async def test_a_dropped_picture_is_not_taken_in_again_from_where_it_came(thread: Thread) -> None:
    thread.platform.files = {"a.png": png(), "b.png": png(halves(50, 50)), "again.png": png()}
    await thread.join(await thread.take_in("a.png", "b.png"))
    await thread.jobs.eraser.drop_picture(thread.where, 1)
    taken = await thread.take_in("a.png", "b.png")
    assert ([picture.number for picture in taken.pictures], taken.verdicts) == ([2], ())
    assert thread.platform.fetched == ["a.png", "b.png"]
    (posted_again,) = (await thread.take_in("again.png")).pictures
    assert posted_again.number == 0


async def test_a_question_about_nothing_but_a_dropped_picture_says_that_it_was_dropped(thread: Thread) -> None:
    thread.platform.files["a.png"] = png()
    await thread.join(await thread.take_in("a.png"))
    await thread.jobs.eraser.drop_picture(thread.where, 1)
    taken = await thread.take_in("a.png")
    assert taken.leaves_nothing_to_see
    assert taken.verdicts == ("Picture 1 was dropped from this conversation. Please post it again to have it back.",)


async def test_a_dropped_page_stays_out_when_the_others_are_brought_back(thread: Thread) -> None:
    thread.platform.files["a.pdf"] = pdf(*pages(2))
    await thread.join(await thread.take_in("a.pdf"))
    await thread.jobs.eraser.drop_picture(thread.where, 1)
    thread.lose_bytes()
    taken = await thread.take_in("a.pdf")
    assert [(picture.ref.page, picture.number) for picture in taken.pictures] == [(2, 2)]
    assert len(thread.jobs.pictures._state.pictures) == 1


# ------------------------------------------------------------ addresses in the words


@pytest.fixture
def reader(intake: Intake, jobs: MemoryJobs, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Thread:
    """Where addresses are fetched: what ends in `.png` is a picture, unless there is `none`; the rest are pages."""

    async def fetch(address: str) -> AsyncGenerator[bytes, None]:
        platform.fetched.append(address)
        if "none" in address:
            raise Unfetchable(reason="the server answers 404")
        yield png() if address.endswith(".png") else b"<!doctype html><html><body>News</body></html>"

    monkeypatch.setattr(intake, "_fetcher", Fetcher(max_bytes=MIB, timeout_s=1.0, fetch_link=fetch))
    return Thread(intake, jobs, platform, conversation())


async def read(thread: Thread, text: str, *origins: str) -> TakenIn:
    job = with_links(mention(text, *origins, where=thread.where)).as_job(patience_s=60.0)
    return await thread.intake.take_in(job, thread.platform)


async def test_an_address_that_leads_to_no_picture_is_nothing_to_speak_of(reader: Thread) -> None:
    reader.platform.files["a.png"] = png()
    taken = await read(reader, "is https://example.com/b.png in https://example.com/news?", "a.png")
    assert [picture.name for picture in taken.pictures] == ["a.png", "https://example.com/b.png"]
    assert taken.verdicts == ()
    assert not (await read(reader, "what do you think of https://example.com/news?")).leaves_nothing_to_see


async def test_an_address_that_cannot_be_fetched_gets_its_verdict(reader: Thread) -> None:
    taken = await read(reader, "what is https://example.com/none.png?")
    assert taken.leaves_nothing_to_see
    assert taken.verdicts == ("https://example.com/none.png skipped: it cannot be fetched (the server answers 404).",)


async def test_of_many_addresses_as_many_are_looked_at_as_there_may_be_pictures(reader: Thread) -> None:
    taken = await read(reader, " ".join(f"https://example.com/{number}" for number in range(30)))
    assert len(reader.platform.fetched) == 3
    assert taken == TakenIn()


async def test_addresses_beyond_the_room_for_pictures_are_told(reader: Thread) -> None:
    taken = await read(reader, " ".join(f"https://example.com/{number}.png" for number in range(5)))
    assert len(taken.pictures) == 3
    assert taken.verdicts == tuple(
        f"https://example.com/{number}.png skipped: the limit is 3 pictures a question." for number in (3, 4)
    )


async def test_pages_take_no_room_from_the_pictures_behind_them(reader: Thread) -> None:
    reader.platform.files = {"a.png": png(), "b.png": png()}
    words = "https://example.com/1 https://example.com/2 https://example.com/3.png"
    taken = await read(reader, words, "a.png", "b.png")
    assert [picture.name for picture in taken.pictures] == ["a.png", "b.png", "https://example.com/3.png"]


# ------------------------------------------------------------ many at once


async def test_the_same_file_named_twice_is_one_picture(thread: Thread) -> None:
    thread.platform.files = {"a.png": png(), "b.png": png(halves(50, 50))}
    taken = await thread.take_in("a.png", "b.png", "a.png")
    assert [picture.name for picture in taken.pictures] == ["a.png", "b.png"]


@pytest.mark.parametrize("name", ["photo.txt", "photo.gif", "photo", "../../etc/passwd", "photo.png.exe"])
async def test_a_file_is_what_its_bytes_say_whatever_it_is_called(thread: Thread, name: str) -> None:
    thread.platform.files[name] = png()
    assert [picture.name for picture in (await thread.take_in(name)).pictures] == [name]


async def test_no_more_files_are_on_their_way_than_memory_is_meant_for(
    intake: Intake, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_room", asyncio.Semaphore(2))
    platform.files["a"] = png()
    platform.pause_s = 0.02
    questions = [mention("?", "a").as_job(patience_s=60.0) for _ in range(12)]
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, platform.fetching)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    taken = await asyncio.gather(*(intake.take_in(question, platform) for question in questions))
    watching.cancel()
    assert [len(one.pictures) for one in taken] == [1] * 12
    assert most <= 2


async def test_waiting_for_others_is_not_held_against_a_file(
    intake: Intake, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_room", asyncio.Semaphore(1))
    monkeypatch.setattr(intake._fetcher, "_timeout_s", 0.25)
    platform.files["a"] = png()
    platform.pause_s = 0.1
    questions = [mention("?", "a").as_job(patience_s=60.0) for _ in range(8)]
    taken = await asyncio.gather(*(intake.take_in(question, platform) for question in questions))
    assert [one.verdicts for one in taken] == [()] * 8


async def test_one_question_with_ten_stalling_files_leaves_room_for_others(
    intake: Intake, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_room", asyncio.Semaphore(5))
    monkeypatch.setattr(intake, "max_pictures", 10)
    slow = FakePlatform()
    slow.files = {name: png() for name in "abcdefghij"}
    slow.pause_s = 60.0
    platform.files["a"] = png()
    stalling = asyncio.create_task(intake.take_in(mention("?", *"abcdefghij").as_job(patience_s=60.0), slow))
    await asyncio.sleep(0.05)
    taken = await asyncio.wait_for(intake.take_in(mention("?", "a").as_job(patience_s=60.0), platform), timeout=0.9)
    assert len(taken.pictures) == 1
    stalling.cancel()
