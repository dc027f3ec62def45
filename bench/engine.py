"""The engine against the way of the model card, and against any OpenAI-compatible server, side by side in one run.

python bench/make_checkpoint.py mid DIR
python bench/engine.py --model DIR [--against http://127.0.0.1:8765/v1] [--only turns,crowd,long,crossing,ocr]

Every workload is done by all contenders in turns, so that a machine that changes its speed changes it for all. A table
for people, then one JSON line. The weights are noise, so every answer has exactly the tokens asked for.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import asyncio
import io
import json
import statistics
import time
from collections.abc import Awaitable, Callable

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.contenders import Contender, ModelCard, Native, Server, Talk, Timing
from inference_worker import app
from inference_worker.native import NativeEngine
from inference_worker.settings import WorkerSettings

PHOTO = 1280, 720
PAGE = 4000, 3000  # 12 megapixels
QUESTION = "What is shown here, and what stands out most about it? Please answer in a few sentences."
console = Console()
Row = dict[str, object]


def main() -> None:
    asked = read_arguments()
    torch.manual_seed(0)
    rows = asyncio.run(measure(asked))
    print_table(rows)
    print(json.dumps({"model": asked.model, "threads": asked.threads, "torch": torch.__version__, "rows": rows}))


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder")
    parser.add_argument("--against", help="the /v1 address of an OpenAI-compatible server with the same checkpoint")
    parser.add_argument("--against-model", default="phi3v", help="what the server calls it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--tokens-only", action="store_true", help="no pictures: the language model alone")
    parser.add_argument("--only", default=",".join(WORKLOADS), help="some of: " + ", ".join(WORKLOADS))
    return parser.parse_args()


async def measure(asked: argparse.Namespace) -> list[Row]:
    settings = WorkerSettings(
        model=asked.model, threads=asked.threads, dtype=asked.dtype, max_sequences=32, kv_gb=8, max_new_tokens=64
    )
    loaded = app.load_native(settings)
    assert isinstance(loaded.engine, NativeEngine)
    engine = loaded.engine
    engine._stop_ids = frozenset()  # noqa: SLF001 - noise would end answers anywhere
    engine.start()
    scheduler = engine._engine._engine._scheduler  # noqa: SLF001
    contenders: list[Contender] = [
        Native(engine),
        ModelCard(scheduler._model, engine._prompts, engine._processor),  # noqa: SLF001
    ]
    if asked.against:
        contenders.append(Server(asked.against, asked.against_model))
    pictures = [] if asked.tokens_only else [draw(*PHOTO)]
    rows: list[Row] = []
    try:
        for name in asked.only.split(","):
            console.print(f"[dim]{name} ...")
            rows += await WORKLOADS[name](contenders, pictures)
    finally:
        await engine.close()
    return rows


# ---------------------------------------------------------------- workloads


async def four_turns(contenders: list[Contender], pictures: list[tuple[bytes, int, int]]) -> list[Row]:
    """One conversation of four turns about one photograph; cold, then the same again in a new conversation."""
    rows: list[Row] = []
    for run in ("cold", "warm"):
        talks = {contender.name: Talk(f"turns-{run}-{contender.name}") for contender in contenders}
        for turn in range(4):
            for contender in contenders:
                timing = await ask(contender, talks[contender.name], pictures if turn == 0 else [])
                rows.append(row(f"turn {turn + 1}, {run}", contender, [timing]))
    return rows


async def crowd(contenders: list[Contender], pictures: list[tuple[bytes, int, int]]) -> list[Row]:
    """8 and 32 conversations at once, two turns each, each about its own picture."""
    rows: list[Row] = []
    for count in (8, 32):
        for contender in contenders:
            began = time.perf_counter()
            timings = [
                timing
                for talk in await asyncio.gather(*[two_turns(contender, n, count, pictures) for n in range(count)])
                for timing in talk
            ]
            seconds = time.perf_counter() - began
            made = row(f"{count} at once, 2 turns", contender, timings)
            rows.append({**made, "tokens_per_s": sum(timing.tokens for timing in timings) / seconds})
    return rows


async def two_turns(
    contender: Contender, number: int, count: int, pictures: list[tuple[bytes, int, int]]
) -> list[Timing]:
    talk = Talk(f"crowd-{count}-{number}-{contender.name}")
    own = [draw(*PHOTO, seed=number)] if pictures else []
    return [await ask(contender, talk, own), await ask(contender, talk, [])]


async def long_talk(contenders: list[Contender], pictures: list[tuple[bytes, int, int]]) -> list[Row]:
    """20 turns that stay below 4,096 tokens: does the time to the first token stay flat?"""
    return await _turn_after_turn("20 turns", contenders, pictures, turns=20, tokens=48)


async def crossing(contenders: list[Contender], pictures: list[tuple[bytes, int, int]]) -> list[Row]:
    """A conversation that crosses 4,096 tokens, where everything is computed once more."""
    text = QUESTION * 7
    return await _turn_after_turn("crossing", contenders, pictures, turns=8, tokens=32, text=text)


async def ocr(contenders: list[Contender], pictures: list[tuple[bytes, int, int]]) -> list[Row]:
    """A page of 12 megapixels at 16 crops."""
    if not pictures:
        return []
    page = draw(*PAGE)
    rows = []
    for contender in contenders:
        timing = await ask(contender, Talk(f"ocr-{contender.name}"), [page], crops=16)
        rows.append(row("12-megapixel page", contender, [timing]))
    return rows


async def _turn_after_turn(
    name: str,
    contenders: list[Contender],
    pictures: list[tuple[bytes, int, int]],
    *,
    turns: int,
    tokens: int,
    text: str = QUESTION,
) -> list[Row]:
    talks = {contender.name: Talk(f"{name}-{contender.name}") for contender in contenders}
    timings: dict[str, list[Timing]] = {contender.name: [] for contender in contenders}
    for turn in range(turns):
        for contender in contenders:
            shown = pictures if turn == 0 else []
            timings[contender.name].append(await ask(contender, talks[contender.name], shown, tokens=tokens, text=text))
    rows = []
    for contender in contenders:
        told = timings[contender.name][1:]
        half = len(told) // 2
        rows.append(row(f"{name}, earlier half", contender, told[:half]))
        rows.append(row(f"{name}, later half", contender, told[half:]))
    return rows


WORKLOADS: dict[str, Callable[[list[Contender], list[tuple[bytes, int, int]]], Awaitable[list[Row]]]] = {
    "turns": four_turns,
    "crowd": crowd,
    "long": long_talk,
    "crossing": crossing,
    "ocr": ocr,
}

# ---------------------------------------------------------------- one answer, one row, one table


async def ask(
    contender: Contender,
    talk: Talk,
    pictures: list[tuple[bytes, int, int]],
    *,
    tokens: int = 64,
    crops: int = 4,
    text: str = QUESTION,
) -> Timing:
    return await contender.answer(talk, talk.dialogue(text, pictures, tokens=tokens, crops=crops))


def row(workload: str, contender: Contender, timings: list[Timing]) -> Row:
    firsts = sorted(timing.ttft_s for timing in timings)
    return {
        "workload": workload,
        "contender": contender.name,
        "prompt_tokens": max(timing.prompt_tokens for timing in timings),
        "ttft_p50_s": round(statistics.median(firsts), 4),
        "ttft_p99_s": round(firsts[min(len(firsts) - 1, int(0.99 * len(firsts)))], 4),
        "tokens_per_s": round(statistics.median(timing.tokens_per_s for timing in timings), 2),
    }


def print_table(rows: list[Row]) -> None:
    table = Table("workload", "who", "prompt", "TTFT p50", "TTFT p99", "tokens/s", title="bench/engine.py")
    for made in rows:
        table.add_row(
            str(made["workload"]),
            str(made["contender"]),
            f"{made['prompt_tokens']}",
            f"{made['ttft_p50_s']:.3f} s",
            f"{made['ttft_p99_s']:.3f} s",
            f"{made['tokens_per_s']:.1f}",
        )
    console.print(table)


def draw(width: int, height: int, seed: int = 0) -> tuple[bytes, int, int]:
    """A picture nobody has seen, as (PNG, width, height)."""
    noise = torch.randint(0, 256, (height // 8, width // 8, 3), generator=torch.Generator().manual_seed(seed))
    picture = Image.fromarray(noise.to(torch.uint8).numpy()).resize((width, height))
    png = io.BytesIO()
    picture.save(png, "PNG", compress_level=1)
    return png.getvalue(), width, height


if __name__ == "__main__":
    main()
