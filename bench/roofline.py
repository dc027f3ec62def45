"""What this machine could do at best: how fast it reads memory, and how fast it multiplies matrices.

python bench/roofline.py [--device cuda] [--threads 2]

Decoding reads every weight once a step, so memory bounds it; prefill is matrix products. The second table says what
that leaves the two sizes of `make_checkpoint.py` at most. The third is nearer to the ground: how long a step takes
that does nothing but multiply its rows with every weight, in torch's own products and the engine's layout. A table for
people, then one JSON line.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from bench.make_checkpoint import SIZES, VOCABULARY
from inference_worker.model.packed import can_pack, pack

ROWS = (1, 8, 32, 100, 512)  # of a step: one and eight who decode, follow-ups, a chunk of a prompt
CONTEXT = 1000  # tokens of a conversation that is being answered
REPEATS = 7
SHORTEST_S = 0.05  # that is timed at once, so that clocks and starts do not count
BUFFER_BYTES = {"cpu": 2**28, "cuda": 2**31}  # far beyond any cache
SIDE = {"cpu": 2048, "cuda": 8192}  # of the multiplied matrices
console = Console()


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """The best of several ways, each the median of some runs."""

    device: str
    read_gb_s: float  # one pass over a large array
    copy_gb_s: float  # of one large array to another, bytes read and bytes written
    bf16_tflop_s: float  # square matrices, random numbers
    float32_tflop_s: float

    @property
    def memory_gb_s(self) -> float:
        """What a step that only reads can hope for."""
        return max(self.read_gb_s, self.copy_gb_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    roofline = measure_roofline(torch.device(asked.device))
    bounds = [decode_bound(size, sequences, roofline) for size in SIZES for sequences in (1, 32)]
    steps = [step_bound(size, rows, torch.device(asked.device)) for size in SIZES for rows in ROWS]
    print_tables(roofline, bounds, steps)
    threads = torch.get_num_threads() if asked.device == "cpu" else None
    measured = msgspec.structs.asdict(roofline) | {"threads": threads, "torch": torch.__version__}
    print(json.dumps(measured | {"decode": bounds, "steps": steps}))


def measure_roofline(device: torch.device) -> Roofline:
    """Takes some seconds, and on a GPU 4 GB."""
    read, copied = memory_rates(device)
    return Roofline(
        device=name_of(device),
        read_gb_s=round(read / 1e9, 1),
        copy_gb_s=round(copied / 1e9, 1),
        bf16_tflop_s=round(matmul_rate(torch.bfloat16, device) / 1e12, 3),
        float32_tflop_s=round(matmul_rate(torch.float32, device) / 1e12, 3),
    )


def memory_rates(device: torch.device) -> tuple[float, float]:
    """Bytes a second of reading, and of copying."""
    source = torch.randn(BUFFER_BYTES[device.type] // 4, device=device)
    target = torch.empty_like(source)
    read = source.nbytes / seconds(lambda: torch.sum(source), device)
    return read, 2 * source.nbytes / seconds(lambda: target.copy_(source), device)


def matmul_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Floating-point operations a second."""
    side = SIDE[device.type]
    left, right = torch.randn(2, side, side, device=device).to(dtype)
    return 2 * side**3 / seconds(lambda: torch.mm(left, right), device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Of one run, the median; runs too short for the clock are timed many together."""
    work()
    alone = timed(work, 1, device)
    many = max(1, int(SHORTEST_S / alone))
    return statistics.median(timed(work, many, device) / many for _ in range(REPEATS))


def timed(work: Callable[[], object], times: int, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    for _ in range(times):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def decode_bound(size: str, sequences: int, roofline: Roofline) -> dict[str, object]:
    """Tokens a second if a decode step did nothing but read its weights and its sequences' keys and values once."""
    sizes = SIZES[size]
    hidden, inner, layers = sizes["hidden_size"], sizes["intermediate_size"], sizes["num_hidden_layers"]
    weights = layers * (4 * hidden * hidden + 3 * hidden * inner) + VOCABULARY * hidden
    cached = sequences * CONTEXT * 2 * layers * hidden
    step_s = 2 * (weights + cached) / (roofline.memory_gb_s * 1e9)  # two bytes each
    return {"model": size, "sequences": sequences, "context": CONTEXT, "tokens_per_s": round(sequences / step_s, 1)}


@torch.inference_mode()
def step_bound(size: str, rows: int, device: torch.device) -> dict[str, object]:
    """Milliseconds of the products of all layers, and of the output layer for one row, with weights from memory."""
    sizes = SIZES[size]
    hidden, inner, layers = sizes["hidden_size"], sizes["intermediate_size"], sizes["num_hidden_layers"]
    shapes = [(hidden, 3 * hidden), (hidden, hidden), (hidden, 2 * inner), (inner, hidden)]
    copies = 1 + BUFFER_BYTES[device.type] // sum(2 * given * made for given, made in shapes)
    matrices = [(weights(*shape, device), shape[0]) for _ in range(copies) for shape in shapes]
    given = {width: torch.randn(rows, width, dtype=torch.bfloat16, device=device) for width in (hidden, inner)}
    layer_s = seconds(lambda: [product(given[width]) for product, width in matrices], device) / copies
    heads = [weights(hidden, VOCABULARY, device) for _ in range(1 + copies // 4)]
    head_s = seconds(lambda: [head(given[hidden][:1]) for head in heads], device) / len(heads)
    return {"model": size, "rows": rows, "step_ms": round(1000 * (layers * layer_s + head_s), 2)}


def weights(given: int, made: int, device: torch.device) -> nn.Module:
    """Noise, as the engine lays it out on this device."""
    linear = nn.Linear(given, made, bias=False, dtype=torch.bfloat16, device=device)
    return pack("", linear) if can_pack(device, torch.bfloat16) else linear


def name_of(device: torch.device) -> str:
    """The GPU's or the processor's own name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def print_tables(roofline: Roofline, bounds: list[dict[str, object]], steps: list[dict[str, object]]) -> None:
    machine = Table("what", "at best", title=f"bench/roofline.py: {roofline.device}")
    machine.add_row("reading memory", f"{roofline.read_gb_s:,.1f} GB/s")
    machine.add_row("copying memory, read and written", f"{roofline.copy_gb_s:,.1f} GB/s")
    machine.add_row("matrix products, bfloat16", f"{roofline.bf16_tflop_s:,.2f} TFLOP/s")
    machine.add_row("matrix products, float32", f"{roofline.float32_tflop_s:,.2f} TFLOP/s")
    console.print(machine)
    decode = Table("model", "sequences", "context", "decode at most")
    for bound in bounds:
        decode.add_row(
            *(str(bound[name]) for name in ("model", "sequences", "context")), f"{bound['tokens_per_s']} tokens/s"
        )
    console.print(decode)
    products = Table("model", "rows", "a step's products")
    for step in steps:
        products.add_row(str(step["model"]), str(step["rows"]), f"{step['step_ms']} ms")
    console.print(products)


if __name__ == "__main__":
    main()
