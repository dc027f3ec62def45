from tests.jobs.conftest import OpenStore, Store
from tests.jobs.given import conversation


async def test_a_silence_holds_until_somebody_ends_it(store: Store) -> None:
    silences, here = store.jobs.silences, conversation("quiet")
    assert not await silences.holds(here)
    await silences.begin(here)
    assert await silences.holds(here)
    assert not await silences.holds(conversation("other"))
    await silences.end(here)
    assert not await silences.holds(here)


async def test_a_silence_lasts_for_the_retention_time(open_store: OpenStore) -> None:
    store = await open_store(retention_s=0.3)
    await store.jobs.silences.begin(conversation("quiet"))
    assert await store.jobs.silences.holds(conversation("quiet"))
    await store.pass_time(0.35)
    assert not await store.jobs.silences.holds(conversation("quiet"))
