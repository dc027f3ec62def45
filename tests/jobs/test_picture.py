from jobs import digest_of
from jobs.stores import Jobs
from tests.jobs.conftest import OpenStore, Store
from tests.jobs.given import conversation

TENANT = "slack:T1"


async def test_bytes_come_back_under_their_digest(jobs: Jobs) -> None:
    digest = await jobs.pictures.put(conversation(), b"\x89PNG\r\n\x00")
    assert digest == digest_of(b"\x89PNG\r\n\x00")
    assert await jobs.pictures.get(TENANT, digest) == b"\x89PNG\r\n\x00"


async def test_no_tenant_can_name_a_picture_of_another(jobs: Jobs) -> None:
    digest = await jobs.pictures.put(conversation(tenant="T1"), b"picture")
    assert await jobs.pictures.get("slack:T2", digest) is None
    await jobs.conversations.forget(conversation(tenant="T2"))
    assert await jobs.pictures.get(TENANT, digest) == b"picture"


async def test_an_unknown_picture_is_gone(jobs: Jobs) -> None:
    assert await jobs.pictures.get(TENANT, digest_of(b"never put")) is None


async def test_the_least_recently_used_are_evicted_for_the_budget(open_store: OpenStore) -> None:
    jobs = (await open_store(picture_budget_bytes=30)).jobs
    where = conversation()
    digests = [await jobs.pictures.put(where, letter * 10) for letter in (b"a", b"b", b"c")]
    assert await jobs.pictures.get(TENANT, digests[0]) is not None  # a use: `b` is now the oldest
    await jobs.pictures.put(conversation(), b"d" * 10)
    assert [await jobs.pictures.get(TENANT, digest) is not None for digest in digests] == [True, False, True]


async def test_the_same_picture_counts_once_for_the_budget(open_store: OpenStore) -> None:
    jobs = (await open_store(picture_budget_bytes=30)).jobs
    kept = await jobs.pictures.put(conversation(), b"k" * 10)
    for _ in range(5):
        same = await jobs.pictures.put(conversation(), b"s" * 20)
    assert await jobs.pictures.get(TENANT, kept) is not None
    assert await jobs.pictures.get(TENANT, same) is not None


async def test_a_picture_larger_than_the_budget_is_kept_for_the_question_that_brings_it(open_store: OpenStore) -> None:
    jobs = (await open_store(picture_budget_bytes=5)).jobs
    digest = await jobs.pictures.put(conversation(), b"larger than five")
    assert await jobs.pictures.get(TENANT, digest) == b"larger than five"


async def test_a_picture_lives_for_its_retention_time_after_the_last_use(open_store: OpenStore) -> None:
    store: Store = await open_store(retention_s=0.5, picture_budget_bytes=10)
    digest = await store.jobs.pictures.put(conversation(), b"picture")
    for _ in range(2):
        await store.pass_time(0.3)
        assert await store.jobs.pictures.get(TENANT, digest) == b"picture"
    await store.pass_time(0.51)
    assert await store.jobs.pictures.get(TENANT, digest) is None
    await store.jobs.pictures.put(conversation(), b"another")  # what expired takes nothing of the budget
    again = await store.jobs.pictures.put(conversation(), b"new")
    assert await store.jobs.pictures.get(TENANT, digest_of(b"another")) == b"another"
    assert await store.jobs.pictures.get(TENANT, again) == b"new"


async def test_the_bytes_go_with_the_last_conversation_that_uses_them(jobs: Jobs) -> None:
    first, last = conversation(), conversation()
    digest = await jobs.pictures.put(first, b"picture")
    await jobs.pictures.put(last, b"picture")
    assert (await jobs.conversations.forget(first)).pictures == 0
    assert await jobs.pictures.get(TENANT, digest) == b"picture"
    assert (await jobs.conversations.forget(last)).pictures == 1
    assert await jobs.pictures.get(TENANT, digest) is None


async def test_whether_bytes_are_there_can_be_asked_without_reading_them(jobs: Jobs) -> None:
    where = conversation()
    digest = await jobs.pictures.put(where, b"picture")
    assert await jobs.pictures.has(TENANT, digest)
    assert not await jobs.pictures.has("slack:T2", digest)
    assert not await jobs.pictures.has(TENANT, digest_of(b"never put"))
    await jobs.conversations.forget(where)
    assert not await jobs.pictures.has(TENANT, digest)


async def test_asking_whether_bytes_are_there_is_a_use(open_store: OpenStore) -> None:
    jobs = (await open_store(picture_budget_bytes=30)).jobs
    where = conversation()
    digests = [await jobs.pictures.put(where, letter * 10) for letter in (b"a", b"b", b"c")]
    assert await jobs.pictures.has(TENANT, digests[0])
    await jobs.pictures.put(conversation(), b"d" * 10)
    assert [await jobs.pictures.has(TENANT, digest) for digest in digests] == [True, False, True]
