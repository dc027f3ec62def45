"""What most scenarios begin with, somebody asks and is answered, and what is left when it is forgotten."""

from PIL import Image

from jobs import ConversationId
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import File, Interaction, Message, User
from tests.bot.pictures import png

QUIET_S = 0.4  # long enough for an answer that should not come


def picture(name: str = "cat.png", colour: str = "red") -> File:
    return File(name, png(Image.new("RGB", (60, 40), colour)))


def ask(scene: Scene, text: str, *files: File, user: User | None = None, **others: object) -> Message:
    me = scene.discord.bot.mention
    return people.write(scene.discord, user or scene.ann, scene.channel, f"{me} {text}", files, **others)


async def answered(scene: Scene, text: str) -> Message:
    """The message of ours that says this, with the buttons of an answer."""
    found: list[Message] = []

    def look() -> list[Message]:
        found[:] = [
            post
            for post in scene.discord.posts
            if text in post.content and "Stop" not in post.buttons and not post.waits
        ]
        return found

    await eventually(look)
    return found[0]


def first_conversation(scene: Scene) -> ConversationId:
    return scene.oracle.claims[0].job.conversation


async def is_forgotten(scene: Scene, conversation: ConversationId) -> bool:
    return not (await scene.jobs.conversations.load(conversation)).turns


async def stored(scene: Scene) -> int:
    """How many pictures that were asked about are still stored."""
    tenant = first_conversation(scene).tenant_key
    digests = {picture.digest for claim in scene.oracle.claims for picture in claim.pictures}
    return sum([await scene.jobs.pictures.has(tenant, digest) for digest in digests])


async def until_forgotten(scene: Scene, conversation: ConversationId) -> None:
    await eventually(lambda: not scene.jobs.conversations._state.threads[conversation].turns)
    assert await is_forgotten(scene, conversation)


async def whispered(interaction: Interaction) -> str:
    """What only whoever used it sees."""
    await eventually(lambda: interaction.texts)
    assert interaction.original is not None
    assert interaction.original.seen_by is interaction.user
    return interaction.texts[0]
