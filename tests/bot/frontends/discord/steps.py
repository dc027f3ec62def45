"""What most scenarios begin with: somebody asks, and is answered."""

from PIL import Image

from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import File, Message, User
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
