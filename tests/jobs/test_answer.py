import asyncio

from jobs import AnswerEvent, Cancelled, Delta, Done, Failed, JobId, Started
from jobs.stores import Jobs
from tests.jobs.conftest import Store
from tests.jobs.given import answer, ask, claim_one, question


async def read(jobs: Jobs, job: JobId) -> list[AnswerEvent]:
    return [event async for event in jobs.answers.follow(job)]


def delta(offset: int, text: str, *, attempt: int = 1) -> Delta:
    return Delta(attempt=attempt, offset=offset, text=text)


async def test_an_answer_is_read_while_it_is_written(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    events = aiter(jobs.answers.follow(asked))
    claim = await claim_one(jobs)
    assert await anext(events) == Started(attempt=1)
    for part in (delta(0, "a "), delta(2, "cat")):
        next_event = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.02)
        assert not next_event.done()
        await jobs.queue_out.publish(claim, part)
        assert await asyncio.wait_for(next_event, 1) == part
    await jobs.queue_out.commit(claim, Done(text="a cat"))
    assert [event async for event in events] == [Done(text="a cat")]


async def test_every_reader_sees_every_event_whenever_it_starts(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    early = asyncio.create_task(read(jobs, asked))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, delta(0, "a cat"))
    middle = asyncio.create_task(read(jobs, asked))
    await asyncio.sleep(0.02)
    await answer(jobs, claim)
    expected = [Started(attempt=1), delta(0, "a cat"), Done(text="a cat")]
    assert await asyncio.wait_for(early, 1) == expected
    assert await asyncio.wait_for(middle, 1) == expected
    assert await read(jobs, asked) == expected


async def test_a_repeated_delta_is_read_once(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    for part in (delta(0, "ä "), delta(0, "ä "), delta(2, "cat"), delta(0, "ä "), delta(2, "cat")):
        await jobs.queue_out.publish(claim, part)
    await answer(jobs, claim)
    assert (await read(jobs, asked))[1:-1] == [delta(0, "ä "), delta(2, "cat")]


async def test_an_answer_that_begins_anew_takes_back_what_it_said(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    early = aiter(jobs.answers.follow(asked))
    claim = await claim_one(jobs)
    for part in (delta(0, "a secret "), delta(9, "of Ann's")):
        await jobs.queue_out.publish(claim, part)
    assert [await anext(early) for _ in range(3)] == [Started(attempt=1), delta(0, "a secret "), delta(9, "of Ann's")]
    anew = [delta(0, "a "), delta(2, "cat")]
    for part in (anew[0], *anew):  # the first of them twice: its response was lost
        await jobs.queue_out.publish(claim, part)
    await answer(jobs, claim)
    assert [event async for event in early] == [*anew, Done(text="a cat")]
    assert await read(jobs, asked) == [Started(attempt=1), *anew, Done(text="a cat")]


async def test_a_second_attempt_starts_over_and_the_end_has_the_whole_text(store: Store) -> None:
    asked = await ask(store.jobs, question())
    await store.jobs.queue_out.publish(await claim_one(store.jobs, "A"), delta(0, "a c"))
    await store.pass_lease()
    await store.jobs.reaper.reap()
    second = await claim_one(store.jobs, "B")
    await store.jobs.queue_out.publish(second, delta(0, "a cat", attempt=2))
    await answer(store.jobs, second, "a cat")
    assert await read(store.jobs, asked) == [
        Started(attempt=1),
        delta(0, "a c"),
        Started(attempt=2),
        delta(0, "a cat", attempt=2),
        Done(text="a cat"),
    ]


async def test_an_answer_stopped_before_its_start_is_only_an_end(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    reader = asyncio.create_task(read(jobs, asked))
    await asyncio.sleep(0.02)
    await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    assert await asyncio.wait_for(reader, 1) == [Cancelled(reason="stopped")]


async def test_the_answer_of_an_unknown_question_ends_at_once(jobs: Jobs) -> None:
    (event,) = await read(jobs, question().id)
    assert isinstance(event, Failed)
    assert event.code == "question_unknown"
