from pathlib import Path

from jobs import ConversationId
from threadsight.last_conversation import LastConversation

FIRST = ConversationId(platform="shell", tenant="local", channel="terminal", thread="1")
SECOND = ConversationId(platform="shell", tenant="local", channel="ter:minal", thread="2")


def test_there_is_none_before_the_first(home: Path) -> None:
    assert LastConversation(home).read() is None


def test_the_latest_one_is_continued_by_every_process(home: Path) -> None:
    LastConversation(home / "new").write(FIRST)
    LastConversation(home / "new").write(SECOND)
    assert LastConversation(home / "new").read() == SECOND
    assert [path.name for path in (home / "new").iterdir()] == ["last_conversation"]


def test_a_damaged_file_is_as_good_as_none(home: Path) -> None:
    (home / "last_conversation").write_text("nonsense")
    assert LastConversation(home).read() is None
