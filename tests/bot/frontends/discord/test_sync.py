"""The commands on Discord are brought up to date, and no more than that."""

from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene

COMMANDS = r"/applications/\d+/commands"
EXPECTED = {
    (1, "ask"),
    (1, "ocr"),
    (1, "compare"),
    (1, "describe"),
    (1, "images"),
    (1, "forget"),
    (1, "help"),
    (3, "Read text"),
    (3, "Ask about this image"),
    (3, "Describe image"),
}


async def test_the_first_start_writes_all_commands_at_once(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        assert scene.discord.commands.keys() == EXPECTED
    assert len(scene.discord.made("PUT", COMMANDS)) == 1
    assert scene.discord.made("POST", COMMANDS) == []


async def test_a_second_start_writes_nothing(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        pass
    before = {key: command["version"] for key, command in scene.discord.commands.items()}
    async with open_bot():
        await eventually(lambda: len(scene.discord.made("GET", COMMANDS)) == 2)
    assert {key: command["version"] for key, command in scene.discord.commands.items()} == before


async def test_only_what_differs_is_written(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        pass
    scene.discord.commands[1, "help"]["description"] = "An earlier description"
    scene.discord.commands[1, "ocr"]["options"][0]["required"] = False
    old = {**scene.discord.commands[1, "help"], "name": "old", "id": "77"}
    scene.discord.commands[1, "old"] = old
    async with open_bot():
        await eventually(lambda: len(scene.discord.made("POST", COMMANDS)) == 2)
    assert {call.body["name"] for call in scene.discord.made("POST", COMMANDS)} == {"help", "ocr"}
    assert scene.discord.commands.keys() == EXPECTED
    assert len(scene.discord.made("PUT", COMMANDS)) == 1


async def test_commands_are_for_servers_and_direct_messages(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        assert all(command["contexts"] == [0, 1] for command in scene.discord.commands.values())
        assert all(command["integration_types"] == [0] for command in scene.discord.commands.values())
