"""The engine against the way of the model card, and against any OpenAI-compatible server, side by side in one run.

python bench/make_checkpoint.py mid DIR
python bench/engine.py --model DIR [--against http://127.0.0.1:8765/v1] [--only turns,crowd8,...] [--rounds 3]

Every workload is done by all contenders in turns, so that a machine that changes its speed changes it for all, in
several rounds of new conversations and pictures: the table has medians, and how far the rounds are apart. "Native
takes" so much of that contender's time to the first token, and has so much of its rate: ratios of the same round. A table for people, then one JSON line. The weights are noise, so every
answer has exactly the tokens asked for.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import asyncio
import datetime as dt
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from bench.contenders import Contender, ModelCard, Native, Server, blind
from bench.roofline import name_of
from bench.workloads import WORKLOADS, Contest, Sample
from inference_worker import app
from inference_worker.native import NativeEngine
from inference_worker.settings import WorkerSettings

console = Console(width=140)
Row = dict[str, object]


def main() -> None:
    asked = read_arguments()
    torch.manual_seed(0)
    samples = asyncio.run(measure(asked))
    rows = summarise(samples)
    print_table(rows)
    result = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": name_of(torch.device("cpu")),
        "model": Path(asked.model).name,
        "threads": asked.threads,
        "torch": torch.__version__,
        "tokens_only": asked.tokens_only,
        "rounds": asked.rounds,
        "rows": rows,
    }
    print(json.dumps(result))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder")
    parser.add_argument("--against", help="the /v1 address of an OpenAI-compatible server with the same checkpoint")
    parser.add_argument("--against-model", default="phi3v", help="what the server calls it")
    parser.add_argument("--without-model-card", action="store_true", help="leave it out, it takes long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--weights", default="auto", help="or int8")
    parser.add_argument("--tokens-only", action="store_true", help="noise for what the tower would see")
    parser.add_argument("--only", default=",".join(WORKLOADS), help="some of: " + ", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    return parser.parse_args()


async def measure(asked: argparse.Namespace) -> list[Sample]:
    settings = WorkerSettings(
        model=asked.model,
        threads=asked.threads,
        dtype=asked.dtype,
        weights=asked.weights,
        max_sequences=32,
        kv_gb=8,
        max_new_tokens=64,
    )
    loaded = app.load_native(settings)
    assert isinstance(loaded.engine, NativeEngine)
    engine = loaded.engine
    engine._stop_ids = frozenset()  # noqa: SLF001 - noise would end answers anywhere
    model = engine._engine._engine._scheduler._model  # noqa: SLF001 - the same weights for the model card's way
    if asked.tokens_only:
        blind(model)
    contenders: list[Contender] = [Native(engine)]
    if not asked.without_model_card:
        contenders.append(ModelCard(model, engine._prompts, engine._processor))  # noqa: SLF001
    if asked.against:
        contenders.append(Server(asked.against, asked.against_model, engine._processor, sees=not asked.tokens_only))  # noqa: SLF001
    engine.start()
    samples: list[Sample] = []
    try:
        for name in asked.only.split(","):
            for number in range(asked.rounds):
                console.print(f"[dim]{name}, round {number + 1} ...")
                contest = Contest(contenders, number, sees=not asked.tokens_only)
                await WORKLOADS[name](contest)
                samples += contest.samples
    finally:
        await engine.close()
    return samples


# ---------------------------------------------------------------- from rounds to rows


def summarise(samples: Sequence[Sample]) -> list[Row]:
    """A row for each contender of each workload, over all rounds."""
    rounds: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        rounds.setdefault((sample.workload, sample.contender), []).append(sample)
    return [row(workload, who, rounds) for workload, who in rounds]


def row(workload: str, who: str, rounds: dict[tuple[str, str], list[Sample]]) -> Row:
    mine = rounds[workload, who]
    made: Row = {"workload": workload, "contender": who}
    refused = next((sample.refused for sample in mine if sample.refused), "")
    if refused:
        return {**made, "refused": refused}
    timings = [timing for sample in mine for timing in sample.timings]
    firsts = sorted(timing.ttft_s for timing in timings)
    made |= {
        "prompt_tokens": max(timing.prompt_tokens for timing in timings),
        "cached_tokens": max(timing.cached_tokens for timing in timings),
        "ttft_s": spread([first_s(sample) for sample in mine]),
        "ttft_p99_s": round(firsts[min(len(firsts) - 1, int(0.99 * len(firsts)))], 4),
        "tokens_per_s": spread([rate(sample) for sample in mine]),
    }
    native = rounds.get((workload, "native"), [])
    if who != "native" and native and not native[0].refused:
        made["native_ttft"] = spread(ratios(native, mine, first_s))
        made["native_tokens_per_s"] = spread(ratios(native, mine, rate))
    return made


def first_s(sample: Sample) -> float:
    """Seconds to the first token, the median of the round's answers."""
    return statistics.median(timing.ttft_s for timing in sample.timings)


def rate(sample: Sample) -> float:
    """Tokens a second: while decoding, or of all answers together where they overlap."""
    if len(sample.timings) > 1:
        return sum(timing.tokens for timing in sample.timings) / sample.seconds
    return sample.timings[0].tokens_per_s


def ratios(native: Sequence[Sample], mine: Sequence[Sample], what: Callable[[Sample], float]) -> list[float]:
    """Native's by mine, round by round."""
    return [what(ours) / what(theirs) for ours, theirs in zip(native, mine, strict=True)]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }


def print_table(rows: Sequence[Row]) -> None:
    table = Table("workload", "who", "prompt", "cached", "TTFT", "p99", "tokens/s", title="bench/engine.py")
    table.add_column("native takes")
    table.add_column("native's rate")
    for made in rows:
        names = str(made["workload"]), str(made["contender"])
        if "refused" in made:
            table.add_row(*names, f"refused: {made['refused']}")
            continue
        table.add_row(
            *names,
            f"{made['prompt_tokens']}",
            f"{made['cached_tokens']}",
            f"{told(made['ttft_s'], 3)} s",
            f"{made['ttft_p99_s']:.3f} s",
            told(made["tokens_per_s"], 1),
            *(f"{told(made[name], 2)} x" for name in ("native_ttft", "native_tokens_per_s") if name in made),
        )
    console.print(table)


def told(values: object, digits: int) -> str:
    """The median, and the least and the most."""
    assert isinstance(values, dict)
    median, least, most = (f"{values[name]:.{digits}f}" for name in ("median", "least", "most"))
    return f"{median} ({least}-{most})"


if __name__ == "__main__":
    main()
