"""A folder of golden vectors, and what a section needs of it."""

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from inference_worker.image.processor import ImageConfig, ImageProcessor
from inference_worker.model.config import ModelConfig, read_config
from inference_worker.model.tokenizer import Tokenizer

TOLERANCE = 5e-4  # a right float32 port stays within 3e-5; every known mistake is beyond this


class Verdict(NamedTuple):
    """What is wrong with a case (nothing, if it is right), and how far its logits were off."""

    problems: list[str]
    logit_diff: float = 0.0


class Case(NamedTuple):
    """One case, not yet checked."""

    name: str
    check: Callable[[], Verdict]


class GoldenFolder:
    """The vectors in `root`; the tokeniser and the real configs may lie in `sibling`."""

    def __init__(self, root: Path, sibling: Path | None = None) -> None:
        self.root = root
        self._places = [root, *([sibling, sibling.parent] if sibling else [])]

    def read(self, name: str) -> Any:
        """A JSON file, or None where there is none."""
        path = self.root / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def arrays(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays of an `.npz` file by name; empty where there is none."""
        path = self.root / name
        if not path.is_file():
            return {}
        with np.load(path) as stored:
            return {key: stored[key] for key in stored.files}

    @property
    def checkpoint(self) -> Path:
        """The folder of the random model."""
        return self.root / "model" / "checkpoint"

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokeniser, from wherever it lies."""
        for place in [*self._places, self.checkpoint]:
            for folder in (place / "tokenizer", place):
                if (folder / "tokenizer.json").is_file():
                    return Tokenizer(folder)
        raise FileNotFoundError("no tokenizer/tokenizer.json: name its folder with --tokenizer")

    def config(self, name: str) -> ModelConfig:
        """A real model's config by its short name ("phi35v" lies in configs/phi35-vision), or the random model's."""
        for place in self._places:
            for path in sorted(place.glob("configs/*/config.json")):
                if path.parent.name.replace("-", "").startswith(name):
                    return read_config(path.parent)
        return read_config(self.checkpoint)

    def processor(self, crop_size: int | None = None) -> ImageProcessor:
        """The image processor of the vectors' models; `crop_size` where a case says it."""
        config = self._image_config
        if crop_size not in {None, config.crop_size}:
            config = msgspec.structs.replace(config, crop_size=crop_size, tokens_per_side=crop_size // 28)
        return ImageProcessor(config)

    @cached_property
    def _image_config(self) -> ImageConfig:
        folders = [self.checkpoint, *(path for place in self._places for path in sorted(place.glob("configs/*")))]
        for folder in folders:
            if (folder / "config.json").is_file():
                return read_config(folder).image
        raise FileNotFoundError("no config.json, neither in model/checkpoint nor in configs/*")


Section = Callable[[GoldenFolder], Iterator[Case]]


def differs(name: str, found: object, expected: object) -> list[str]:
    """A sentence if the two are not equal."""
    return [] if found == expected else [f"{name}: {_short(found)} instead of {_short(expected)}"]


def is_far(name: str, found: Any, expected: Any, *, within: float = TOLERANCE) -> list[str]:
    """A sentence if two arrays differ by more than `within` anywhere, or in shape."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return [f"{name}: shape {found.shape} instead of {expected.shape}"]
    off = distance(found, expected)
    return [] if off <= within else [f"{name}: off by {off:.2e}"]


def distance(found: Any, expected: Any) -> float:
    """The largest difference; infinite where something is not a number."""
    off = np.abs(np.asarray(found, dtype=np.float64) - np.asarray(expected, dtype=np.float64)).max(initial=0.0)
    return float(np.nan_to_num(off, nan=np.inf))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."
