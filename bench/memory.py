"""Does the worker's memory stay flat over many conversations?

python bench/memory.py --model DIR [--conversations 200] [--tokens-only]

One conversation after the other, each of two turns about a picture of its own, under small budgets: says how much
memory the process holds as it goes on. A table for people, then one JSON line.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import asyncio
import datetime as dt
import json
import resource
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import torch
from rich.console import Console
from rich.table import Table

from bench.contenders import Native, blind
from bench.roofline import name_of
from bench.workloads import Contest, ask
from inference_worker import app
from inference_worker.native import NativeEngine
from inference_worker.settings import WorkerSettings

PICTURE = 336, 336
REPORTS = 10
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder, or `tiny`")
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--tokens-only", action="store_true", help="noise for what the tower would see")
    parser.add_argument("--kv-gb", type=float, default=0.5, help="for the conversations' caches")
    parser.add_argument("--features-gb", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    asked = parser.parse_args()
    rows = asyncio.run(measure(asked))
    print_table(rows)
    result = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": name_of(torch.device("cpu")),
        "model": Path(asked.model).name,
        "tokens_only": asked.tokens_only,
        "kv_gb": asked.kv_gb,
        "features_gb": asked.features_gb,
        "rows": rows,
    }
    print(json.dumps(result))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


async def measure(asked: argparse.Namespace) -> list[dict[str, float]]:
    settings = WorkerSettings(
        model=asked.model,
        threads=asked.threads,
        dtype=asked.dtype,
        context=2048,
        kv_gb=asked.kv_gb,
        features_gb=asked.features_gb,
    )
    loaded = app.load_native(settings)
    assert isinstance(loaded.engine, NativeEngine)
    scheduler = loaded.engine._engine._engine._scheduler  # noqa: SLF001 - to see what it holds
    if asked.tokens_only:
        blind(scheduler._model)  # noqa: SLF001
    loaded.engine.start()
    native = Native(loaded.engine)
    contest = Contest([native], 0, sees=not asked.tokens_only)
    rows = []
    for number in range(1, asked.conversations + 1):
        talk = contest.talk(native, str(number))
        await ask(native, talk, contest.photo(number, PICTURE), tokens=8)
        await ask(native, talk, tokens=8)
        if number % max(1, asked.conversations // REPORTS) == 0:
            held = psutil.Process().memory_full_info()
            rows.append(
                {
                    "conversations": number,
                    "process_mb": round(held.uss / 1e6, 1),
                    "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
                    "caches_mb": round(scheduler._held_bytes() / 1e6, 1),  # noqa: SLF001
                    "features_mb": round(scheduler._features.size_bytes / 1e6, 1),  # noqa: SLF001
                    "resident": len(scheduler.residents),
                }
            )
    await loaded.engine.close()
    return rows


def print_table(rows: list[dict[str, float]]) -> None:
    table = Table("after", "process", "peak so far", "caches", "features", "resident", title="bench/memory.py")
    for row in rows:
        table.add_row(
            f"{row['conversations']:.0f}",
            f"{row['process_mb']:,.0f} MB",
            f"{row['peak_mb']:,.0f} MB",
            f"{row['caches_mb']:,.0f} MB",
            f"{row['features_mb']:.1f} MB",
            f"{row['resident']:.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
