"""Pictures become the pixels that the tower sees. Decoding files is not done here: pictures come upright."""

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from inference_worker.image.tiling import Size, Tiling, choose_tiling

WHITE = (255, 255, 255)


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the model expects of its pictures."""

    crop_size: int  # pixels, both ways
    tokens_per_side: int  # language-model positions along one side of a crop
    num_crops: int  # the model's own default for `max_crops`
    mean: tuple[float, float, float]  # of red, green and blue over 0..1, as is `std`
    std: tuple[float, float, float]


class Crops(msgspec.Struct, frozen=True, kw_only=True):
    """One picture as the tower sees it: `pixels` (tiling.crops, 3, S, S) in float32, the whole picture first."""

    pixels: Tensor
    tiling: Tiling


class ImageProcessor:
    """Resizes, pads and cuts pictures exactly as the model was trained on them."""

    def __init__(self, config: ImageConfig) -> None:
        self.config = config
        self._mean = torch.tensor(config.mean).view(3, 1, 1)
        self._std = torch.tensor(config.std).view(3, 1, 1)

    def tile(self, width: int, height: int, *, max_crops: int) -> Tiling:
        """How a picture of this size (pixels) is cut, before it is decoded.

        Raises:
            PictureTooNarrow: the shorter side would vanish.
        """
        return choose_tiling(
            width,
            height,
            max_crops=max_crops,
            crop_size=self.config.crop_size,
            tokens_per_side=self.config.tokens_per_side,
        )

    def crops(self, picture: Image.Image, *, max_crops: int) -> Crops:
        """The picture as the tower sees it.

        Raises:
            PictureTooNarrow: the shorter side would vanish.
        """
        tiling = self.tile(*picture.size, max_crops=max_crops)
        canvas = self._normalised(canvas_of(picture, tiling))  # (3, rows*S, columns*S)
        size = tiling.crop_size
        # Plain bicubic, without antialiasing and without keeping the aspect: so the model was trained.
        whole = functional.interpolate(canvas[None], size=(size, size), mode="bicubic")  # (1, 3, S, S)
        parts = canvas.view(3, tiling.rows, size, tiling.columns, size).permute(1, 3, 0, 2, 4)
        return Crops(pixels=torch.cat([whole, parts.reshape(-1, 3, size, size)]), tiling=tiling)

    def _normalised(self, canvas: Image.Image) -> Tensor:
        pixels = torch.from_numpy(np.array(canvas)).permute(2, 0, 1).contiguous()  # (3, height, width) uint8
        return pixels.to(torch.float32).div_(255).sub_(self._mean).div_(self._std)


def canvas_of(picture: Image.Image, tiling: Tiling) -> Image.Image:
    """The picture in RGB, resized, in the middle of a white canvas of `tiling.padded` pixels."""
    rgb = picture.convert("RGB")  # drops alpha; the stored form of a picture has none
    if tiling.transposed:
        # Lying down and up again: Pillow's two passes round differently in the other order.
        resized = _resize(rgb.transpose(Image.Transpose.TRANSPOSE), tiling.resized.transposed)
        resized = resized.transpose(Image.Transpose.TRANSPOSE)
    else:
        resized = _resize(rgb, tiling.resized)
    padded = tiling.padded
    canvas = Image.new("RGB", (padded.width, padded.height), WHITE)
    canvas.paste(resized, ((padded.width - resized.width) // 2, (padded.height - resized.height) // 2))
    return canvas


def _resize(picture: Image.Image, size: Size) -> Image.Image:
    return picture.resize((size.width, size.height), Image.Resampling.BILINEAR)
