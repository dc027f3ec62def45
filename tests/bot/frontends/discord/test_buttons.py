from bot.frontends.discord.buttons import TEMPLATE, Ticket, Verb
from jobs import ConversationId, Job

LARGEST = str(2**64 - 1)


def test_a_button_says_everything_within_a_hundred_characters() -> None:
    ticket = Ticket(channel=LARGEST, thread=LARGEST, source=LARGEST, revision=999, asker=LARGEST)
    assert all(len(ticket.identify(verb)) <= 100 for verb in Verb)


def test_what_is_written_on_a_button_is_read_again() -> None:
    where = ConversationId(platform="discord", tenant="7", channel="1", thread="2")
    job = Job(conversation=where, source="3", revision=4, asker="5")
    found = TEMPLATE.fullmatch(Ticket.of(job).identify(Verb.STOP))
    assert found is not None
    assert Ticket.read(found) == Ticket.of(job)
    assert Ticket.read(found).conversation(7) == where
    assert Ticket.read(found).job(7) == job.id


def test_a_button_in_a_direct_message_belongs_to_that_conversation() -> None:
    where = ConversationId(platform="discord", tenant="dm-1", channel="1", thread="-")
    ticket = Ticket.of(Job(conversation=where, source="3", asker="5"))
    assert ticket.conversation(None) == where
