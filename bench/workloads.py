"""What the engine's benchmark asks. Each workload is a round of a contest; every round shows pictures nobody knows."""

import asyncio
import io
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import torch
from PIL import Image

from bench.contenders import USUAL_CROPS, Contender, Refused, Shown, Talk, Timing

PHOTO = 1280, 720
PAGE = 4000, 3000  # 12 megapixels
PAGE_CROPS = 16
# The checkpoint's tokeniser has a token for each letter: as many as a real question of twenty words has.
QUESTION = "And what is beside it?"
LONG_QUESTION = QUESTION * 18


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What one contender did of a workload in one round."""

    workload: str
    contender: str
    timings: tuple[Timing, ...] = ()
    seconds: float = 0.0  # of all of it, where answers overlap
    refused: str = ""  # why it did nothing


class Contest:
    """One round: the contenders take turns at the same thing. Who refuses a workload is out of it."""

    def __init__(self, contenders: Sequence[Contender], number: int, *, sees: bool) -> None:
        shift = number % len(contenders)
        self.contenders = [*contenders[shift:], *contenders[:shift]]
        self.samples: list[Sample] = []
        self._name = f"{number} {random.randrange(10**9)}"  # nobody has cached anything of it
        self._sees = sees
        self._out: set[str] = set()

    def talk(self, contender: Contender, name: str) -> Talk:
        """A new conversation."""
        return Talk(f"{self._name} {contender.name} {name}")

    def talks(self, name: str) -> dict[str, Talk]:
        """A new conversation for each contender."""
        return {contender.name: self.talk(contender, name) for contender in self.contenders}

    def photo(self, number: int = 0, size: tuple[int, int] = PHOTO) -> list[Shown]:
        """A picture of this round; what the blind are shown is cheap to open."""
        return [draw(*size, seed=f"{self._name} {number}", sharp=self._sees)]

    async def each(self, workload: str, act: Callable[[Contender], Awaitable[Sequence[Timing]]]) -> None:
        """Have everybody do it, one after the other."""
        for contender in self.contenders:
            if contender.name in self._out:
                continue
            began = time.perf_counter()
            try:
                timings = await act(contender)
            except Refused as refused:
                self._out.add(contender.name)
                made = Sample(workload=workload, contender=contender.name, refused=str(refused))
            else:
                seconds = time.perf_counter() - began
                made = Sample(workload=workload, contender=contender.name, timings=tuple(timings), seconds=seconds)
            self.samples.append(made)
            await contender.rest()


async def turns(contest: Contest) -> None:
    """One conversation of four turns about one photograph; then the same again in a new conversation."""
    for when in ("", ", again"):
        talks = contest.talks(f"turns{when}")
        await _turn_after_turn(contest, talks, [f"turn {turn + 1}{when}" for turn in range(4)], tokens=64)


async def crowd(contest: Contest, count: int) -> None:
    """Conversations at once, two turns each, each about its own picture."""
    photos = [contest.photo(number) for number in range(count)]

    async def one(contender: Contender, number: int) -> list[Timing]:
        talk = contest.talk(contender, f"crowd {number}")
        return [await ask(contender, talk, photos[number]), await ask(contender, talk)]

    async def everybody(contender: Contender) -> list[Timing]:
        both = await asyncio.gather(*[one(contender, number) for number in range(count)])
        return [timing for timings in both for timing in timings]

    await contest.each(f"{count} at once, 2 turns", everybody)


async def crowd_of_8(contest: Contest) -> None:
    """See `crowd`."""
    await crowd(contest, 8)


async def crowd_of_32(contest: Contest) -> None:
    """See `crowd`."""
    await crowd(contest, 32)


async def long(contest: Contest) -> None:
    """20 turns that stay below 4,096 tokens: does the time to the first token stay flat?"""
    await _turn_after_turn(contest, contest.talks("long"), [f"20 turns, {n + 1}" for n in range(20)], tokens=32)


async def crossing(contest: Contest) -> None:
    """A conversation that crosses 4,096 tokens, where everything is computed once more."""
    names = [f"crossing, {n + 1}" for n in range(9)]
    await _turn_after_turn(contest, contest.talks("crossing"), names, tokens=32, text=LONG_QUESTION)


async def ocr(contest: Contest) -> None:
    """A page of 12 megapixels at 16 crops, and the same page in a second conversation."""
    page = contest.photo(size=PAGE)
    for when in ("", ", again"):
        talks = contest.talks(f"page{when}")

        async def read(contender: Contender, talks: dict[str, Talk] = talks) -> list[Timing]:
            return [await ask(contender, talks[contender.name], page, crops=PAGE_CROPS)]

        await contest.each(f"12-megapixel page{when}", read)


WORKLOADS: dict[str, Callable[[Contest], Awaitable[None]]] = {
    "turns": turns,
    "crowd8": crowd_of_8,
    "crowd32": crowd_of_32,
    "long": long,
    "crossing": crossing,
    "ocr": ocr,
}


async def ask(
    contender: Contender,
    talk: Talk,
    shown: Sequence[Shown] = (),
    *,
    tokens: int = 64,
    crops: int = USUAL_CROPS,
    text: str = QUESTION,
) -> Timing:
    """The conversation's next turn."""
    return await contender.answer(talk, talk.dialogue(text, shown, tokens=tokens, crops=crops))


async def _turn_after_turn(
    contest: Contest, talks: dict[str, Talk], names: Sequence[str], *, tokens: int, text: str = QUESTION
) -> None:
    """A turn for everybody, then the next one. The first brings a photograph."""
    for turn, name in enumerate(names):

        async def say(contender: Contender, turn: int = turn) -> list[Timing]:
            shown = [] if turn else contest.photo()
            return [await ask(contender, talks[contender.name], shown, tokens=tokens, text=text)]

        await contest.each(name, say)


def draw(width: int, height: int, *, seed: str, sharp: bool) -> Shown:
    """A picture of noise, of this size for whoever looks at it; of one colour for the blind."""
    drawing = torch.Generator().manual_seed(random.Random(seed).randrange(2**31))
    grain = 8 if sharp else max(width, height)
    noise = torch.randint(0, 256, (-(-height // grain), -(-width // grain), 3), generator=drawing)
    png = io.BytesIO()
    Image.fromarray(noise.to(torch.uint8).numpy()).resize((width, height)).save(png, "PNG", compress_level=1)
    return Shown(png=png.getvalue(), width=width, height=height)
