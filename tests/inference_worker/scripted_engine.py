"""An answer engine that says what it is told, for tests of everything around it."""

import asyncio
from collections.abc import AsyncGenerator

from inference_worker.answer_engine import Answered, Text
from inference_worker.dialogue import Dialogue
from inference_worker.errors import EngineLost
from jobs import ConversationId, Usage


class ScriptedEngine:
    """Echoes the question word by word; `hold` stops it before the second word, `error` breaks it there."""

    def __init__(self) -> None:
        self.asked: list[Dialogue] = []
        self.forgotten: list[tuple[ConversationId, int]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.lost = asyncio.Event()
        self.stopped_early = 0
        self.at_once = 0
        self.most_at_once = 0

    def start(self) -> None:
        """Nothing to start."""

    async def watch(self) -> None:
        await self.lost.wait()
        raise EngineLost

    async def answer(self, dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
        self.asked.append(dialogue)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        ended = False
        try:
            for index, word in enumerate(dialogue.question.split()):
                if index == 1:
                    await self.hold.wait()
                    if self.error is not None:
                        raise self.error
                yield Text(text=f"{word} ")
                await asyncio.sleep(0)
            ended = True
            yield Answered(usage=Usage(new_tokens=3), notices=("noted",), token_ids=(1, 2, 3), fingerprint="f")
        finally:
            self.at_once -= 1
            self.stopped_early += not ended

    def forget(self, conversation: ConversationId, *, epoch: int) -> None:
        self.forgotten.append((conversation, epoch))

    async def close(self) -> None:
        """Nothing to close."""
