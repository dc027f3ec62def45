import pytest

from jobs import JobId, JobKind
from tests.bot.fakes import conversation, mention


@pytest.mark.parametrize(
    ("text", "origins", "kind", "asks"),
    [
        ("what is this?", (), JobKind.ASK, True),
        ("", ("a.png",), JobKind.ASK, True),
        ("  \n", (), JobKind.ASK, False),
        ("", (), JobKind.OCR, True),
        ("", (), JobKind.COMPARE, True),
    ],
)
def test_a_mention_asks_when_it_has_words_pictures_or_a_task(
    text: str, origins: tuple[str, ...], kind: JobKind, *, asks: bool
) -> None:
    assert mention(text, *origins, kind=kind).asks_something is asks


def test_a_job_says_what_the_mention_said() -> None:
    where = conversation("t1")
    asked = mention(" what is this? ", "a.png", where=where, source="s1", revision=2, kind=JobKind.OCR, asker="ann")
    job = asked.as_job(patience_s=60.0)
    assert job.id == JobId(tenant_key="fake:T1", source="s1", revision=2)
    assert (job.conversation, job.kind, job.text, job.asker) == (where, JobKind.OCR, "what is this?", "ann")
    assert job.references == asked.references
    assert job.patience_s == 60.0
