"""How much less exact is the decoder in int8? The right answers of `examples/` are read out, and logits compared.

python bench/int8.py [--model tiny] [--dialogues 60]

Distances are those of logits from float32, at every token of every answer: of bfloat16 by itself, and of int8 (which
computes in bfloat16, too). Agreement is the share of tokens at which the likeliest one is the same as in bfloat16. A
table for people, then one JSON line.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from bench.contenders import USUAL_CROPS, Shown, Talk
from inference_worker.engine.backends.contiguous import ContiguousAttention, Segment
from inference_worker.engine.contiguous_cache import ContiguousCache
from inference_worker.image.processor import ImageProcessor
from inference_worker.model.checkpoint import find_checkpoint, load_model
from inference_worker.model.int8 import quantize_decoder
from inference_worker.model.phi3v import Phi3V
from inference_worker.model.tokenizer import Tokenizer
from inference_worker.prompt import PlacedPrompt, PromptBuilder

EXAMPLES = Path("examples")
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny", help="`tiny`, or a folder")
    parser.add_argument("--dialogues", type=int, default=60)
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    asked = parser.parse_args()
    measured = measure(find_checkpoint(asked.model), asked.dialogues)
    for name, value in measured.items():
        console.print(f"{name:<36} {value:g}")
    result = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "model": Path(asked.model).name, **measured}
    print(json.dumps(result))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


@torch.inference_mode()
def measure(folder: Path, dialogues: int) -> dict[str, float]:
    exact = load_model(folder, dtype=torch.float32)
    rounded = load_model(folder, dtype=torch.bfloat16)
    int8 = load_model(folder, dtype=torch.bfloat16, layout=quantize_decoder)
    processor = ImageProcessor(exact.config.image)
    its_own, ours, agreeing, right = [], [], [], []
    for placed, talk, answer in questions(folder, processor, dialogues):
        reference, plain, quantized = (
            answer_logits(model, processor, placed, talk, answer) for model in (exact, rounded, int8)
        )
        its_own.append((plain - reference).abs().mean(dim=-1))
        ours.append((quantized - reference).abs().mean(dim=-1))
        agreeing.append(quantized.argmax(dim=-1) == plain.argmax(dim=-1))
        right.append(torch.stack([each.argmax(dim=-1) == torch.tensor(answer) for each in (plain, quantized)], dim=1))
    plain_right, quantized_right = torch.cat(right).float().mean(dim=0).tolist()
    return {
        "tokens": len(torch.cat(ours)),
        "distance of bfloat16 from float32": round(float(torch.cat(its_own).mean()), 4),
        "distance of int8 from float32": round(float(torch.cat(ours).mean()), 4),
        "likeliest token as in bfloat16": round(float(torch.cat(agreeing).float().mean()), 4),
        "likeliest token right, bfloat16": round(plain_right, 4),
        "likeliest token right, int8": round(quantized_right, 4),
    }


def questions(
    folder: Path, processor: ImageProcessor, dialogues: int
) -> Iterator[tuple[PlacedPrompt, Talk, list[int]]]:
    """Each question with the right answers before it, and the ids of its own."""
    tokenizer = Tokenizer(folder)
    prompts = PromptBuilder(
        tokenizer, lambda width, height, crops: processor.tile(width, height, max_crops=crops), context=4096
    )
    lines = (EXAMPLES / "dialogues.jsonl").read_text().splitlines()
    for number, line in enumerate(lines[:: max(1, len(lines) // dialogues)]):
        told, talk = json.loads(line), Talk(str(number))
        shown = [read_picture(EXAMPLES / "pictures" / name) for name in told["pictures"]]
        for turn in told["turns"]:
            asked = talk.dialogue(turn["question"], shown, tokens=1, crops=USUAL_CROPS)
            yield prompts.build(asked, reserve=0), talk, tokenizer.encode_untrusted(turn["answer"])
            talk.keep(asked, turn["answer"])
            shown = []


def read_picture(file: Path) -> Shown:
    with Image.open(file) as picture:
        return Shown(png=file.read_bytes(), width=picture.width, height=picture.height)


def answer_logits(
    model: Phi3V, processor: ImageProcessor, placed: PlacedPrompt, talk: Talk, answer: list[int]
) -> Tensor:
    """(tokens of the answer, vocab): what the model says at each when those before it were right."""
    ids = [*placed.prompt.ids, *answer[:-1]]
    hidden = model.embed(torch.tensor(ids).clamp(min=0))
    for slot in placed.prompt.slots:
        with Image.open(io.BytesIO(talk.stored[slot.key.digest])) as picture:
            crops = processor.crops(picture, max_crops=slot.key.max_crops)
        hidden[slot.start : slot.stop] = model.encode(crops.pixels, [crops.tiling])[0]
    cache = ContiguousCache(model.config, dtype=model.dtype, device=model.device)
    cache.reserve(len(ids))
    cos, sin = model.rope.cos_sin(torch.arange(len(ids)), long=model.rope.uses_long(len(ids)))
    hidden = model(hidden, cos, sin, ContiguousAttention([Segment(rows=slice(0, len(ids)), cache=cache)]))
    return model.logits(hidden[-len(answer) :])


if __name__ == "__main__":
    main()
