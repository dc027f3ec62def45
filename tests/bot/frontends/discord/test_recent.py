import msgspec

from bot.frontends.discord.recent import Asked, Recent
from bot.mention import Mention
from jobs import ConversationId, PictureRef

HERE = ConversationId(platform="discord", tenant="1", channel="2", thread="3")
DAY_S = 86_400.0


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def asked(source: str = "7", *, revision: int = 0, messages: tuple[int, ...] = (7,), text: str = "what?") -> Asked:
    mention = Mention(conversation=HERE, source=source, asker="5", revision=revision, text=text)
    return Asked(mention=mention, messages=messages)


def test_a_question_is_found_by_every_message_it_was_read_from() -> None:
    recent = Recent()
    recent.remember(asked(messages=(7, 8)))
    assert recent.of_message(7) == recent.of_message(8) == recent.of_source("7")
    assert recent.of_message(9) is None


def test_a_newer_revision_keeps_what_stands_there_and_an_older_event_changes_nothing() -> None:
    recent = Recent()
    recent.remember(asked(messages=(7, 8)))
    recent.note("7", ("2/9",))
    recent.remember(asked(revision=1, messages=(), text="why?"))
    recent.remember(asked(text="what?"))
    known = recent.of_message(8)
    assert known is not None
    assert (known.mention.text, known.posted) == ("why?", ("2/9",))


def test_what_is_forgotten_is_found_by_nothing() -> None:
    recent = Recent()
    recent.remember(asked("7"))
    recent.remember(asked("8", messages=(8,)))
    recent.forget_where(lambda mention: mention.source == "7")
    assert recent.of_message(7) is None
    assert recent.of_source("7") is None
    assert recent.of_source("8") is not None


def test_nothing_is_remembered_for_more_than_a_day() -> None:
    clock = Clock()
    recent = Recent(clock)
    recent.remember(asked("7"))
    clock.now_s = DAY_S + 1
    recent.remember(asked("8", messages=(8,)))
    assert recent.of_source("7") is None
    assert recent.of_source("8") is not None


def test_it_knows_since_when_every_question_is_known() -> None:
    clock = Clock()
    clock.now_s = 1000.0
    recent = Recent(clock)
    assert not recent.has_all_since(900.0), "an earlier process may have heard it"
    assert not recent.has_all_since(1001.0), "clocks differ"
    clock.now_s = 2000.0
    recent.remember(asked("7"))
    assert recent.has_all_since(1500.0)
    clock.now_s += DAY_S + 1
    recent.remember(asked("8", messages=(8,)))  # and the first is over
    assert not recent.has_all_since(1500.0)
    assert recent.has_all_since(clock.now_s)


def test_a_question_is_found_by_what_answers_it_and_by_what_brought_its_pictures() -> None:
    recent = Recent()
    picture = PictureRef(platform="discord", origin="2/41/9")
    one = asked(messages=(7,))
    one = msgspec.structs.replace(one, mention=msgspec.structs.replace(one.mention, references=(picture,)))
    recent.remember(one)
    recent.note("7", ("2/50", "2/51"))
    assert recent.of_answer("2/50") == recent.of_answer("2/51") == recent.of_picture(41)[0] == recent.of_source("7")
    recent.note("7", ("2/51",))
    assert recent.of_answer("2/50") is None
    recent.forget("7")
    assert recent.of_answer("2/51") is None
    assert recent.of_picture(41) == []
