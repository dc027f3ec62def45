"""Section `preprocess`: a picture's pixels on their way to the tower."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from inference_worker.errors import PictureTooNarrow
from inference_worker.image.processor import ImageProcessor, canvas_of
from tests.golden.folder import Case, GoldenFolder, Verdict, differs, is_far
from tests.golden.pictures import draw

PIXELS_WITHIN = 1e-4


def cases(folder: GoldenFolder) -> Iterator[Case]:
    """One case for each picture and number of crops."""
    stored = folder.read("preprocess/preprocess.json") or {"cases": []}
    samples = folder.arrays("preprocess/samples.npz")
    for case in stored["cases"]:
        yield Case(case["key"], partial(_check, folder, case, samples.get(case["key"])))


def _check(folder: GoldenFolder, case: dict[str, Any], sample: Any) -> Verdict:
    picture = draw(case["width"], case["height"], case["seed"], case["mode"])
    processor = folder.processor(case.get("pixel_values_shape", [None])[-1])
    problems = _against(case, "rgb_sha256", _sha256(np.array(picture.convert("RGB"))))
    if "error" in case:
        return Verdict(problems + _is_refused(processor, picture, case["num_crops"]))
    crops = processor.crops(picture, max_crops=case["num_crops"])
    tiling, pixels = crops.tiling, crops.pixels.numpy()
    canvas = np.array(canvas_of(picture, tiling))
    problems += _against(case, "hd_uint8_shape", list(canvas.shape))
    problems += _against(case, "hd_uint8_sha256", _sha256(canvas))
    problems += _against(case, "image_size_hw", [tiling.padded.height, tiling.padded.width])
    problems += _against(case, "num_sub_crops", tiling.crops - 1)
    problems += _against(case, "num_img_tokens", tiling.tokens)
    problems += _against(case, "crops_float32_sha256", _sha256(pixels[1:]))
    for name, found in (("mean", pixels.mean((2, 3))), ("std", pixels.std((2, 3)))):
        if (expected := case.get(f"{name}_per_crop_channel")) is not None:
            problems += is_far(name, found, np.array(expected)[: tiling.crops], within=PIXELS_WITHIN)
    if sample is not None:
        problems += is_far("samples", pixels[:, :, 5::21, 5::21], sample, within=PIXELS_WITHIN)
    return Verdict(problems)


def _against(case: dict[str, Any], name: str, found: object) -> list[str]:
    return differs(name, found, case[name]) if name in case else []


def _is_refused(processor: ImageProcessor, picture: Image.Image, max_crops: int) -> list[str]:
    try:
        processor.crops(picture, max_crops=max_crops)
    except PictureTooNarrow:
        return []
    return ["is tiled, where the reference fails"]


def _sha256(array: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
