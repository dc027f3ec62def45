"""Section `tokenize`: text to ids and back, chat templates, prompts with pictures."""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any

from inference_worker.image.tiling import Tiling
from tests.golden.folder import Case, GoldenFolder, Verdict, differs
from tests.golden.prompt import chat_text, prompt_ids


def cases(folder: GoldenFolder) -> Iterator[Case]:
    """One case for each text, dialogue, prompt with pictures, and prompt that must be refused."""
    stored = folder.read("tokenize/tokenize.json") or {}
    for check in (_text, _chat, _multimodal, _errors):
        kind = check.__name__.removeprefix("_")
        for index, case in enumerate(stored.get(kind, [])):
            yield Case(f"{kind} {index}", partial(check, folder, case))


def _text(folder: GoldenFolder, case: dict[str, Any]) -> Verdict:
    tokenizer = folder.tokenizer
    ids = case["input_ids"]
    problems = differs("ids", tokenizer.encode(case["text"], bos=True), ids)
    problems += differs("ids without <s>", tokenizer.encode(case["text"]), case["ids_no_special"])
    problems += differs("decoded", tokenizer.decode(ids, special=True), case["decoded"])
    problems += differs("decoded without special tokens", tokenizer.decode(ids), case["decoded_skip_special"])
    return Verdict(problems)


def _chat(folder: GoldenFolder, case: dict[str, Any]) -> Verdict:
    prompt = chat_text(case["messages"], add_generation_prompt=case["add_generation_prompt"])
    problems = differs("prompt", prompt, case["prompt"])
    if "input_ids" in case:
        problems += differs("ids", folder.tokenizer.encode(prompt, bos=True), case["input_ids"])
    return Verdict(problems)


def _multimodal(folder: GoldenFolder, case: dict[str, Any]) -> Verdict:
    tilings = [_tile(folder, picture, case["num_crops"]) for picture in case["images"]]
    ids = prompt_ids(folder.tokenizer, case["prompt"], [tiling.tokens for tiling in tilings])
    runs = [[token, len(list(run))] for token, run in groupby(ids)]
    problems = differs("ids", runs, [list(run) for run in case["input_ids_rle"]])
    sizes = [[tiling.padded.height, tiling.padded.width] for tiling in tilings]
    return Verdict(problems + differs("image_sizes", sizes, case["image_sizes"]))


def _errors(folder: GoldenFolder, case: dict[str, Any]) -> Verdict:
    try:
        prompt_ids(folder.tokenizer, case["prompt"], [1] * case["n_images"])
    except ValueError as error:
        return Verdict(differs("message", str(error), case["message"]))
    return Verdict(["is encoded, where the reference fails"])


def _tile(folder: GoldenFolder, picture: list[Any], max_crops: int) -> Tiling:
    width, height = picture[:2]
    return folder.processor().tile(width, height, max_crops=max_crops)
