import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from inference_worker.image.processor import ImageConfig, ImageProcessor, canvas_of

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.5, 0.2)
PROCESSOR = ImageProcessor(ImageConfig(crop_size=56, tokens_per_side=2, num_crops=4, mean=MEAN, std=STD))
WHITE = [(1 - mean) / std for mean, std in zip(MEAN, STD, strict=True)]


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_the_parts_side_by_side_are_the_normalised_canvas() -> None:
    picture = noise(90, 130)
    crops = PROCESSOR.crops(picture, max_crops=6)
    tiling = crops.tiling
    lines = [
        torch.cat(list(crops.pixels[1 + row * tiling.columns :][: tiling.columns]), dim=2) for row in range(tiling.rows)
    ]
    canvas = torch.cat(lines, dim=1)
    expected = np.asarray(canvas_of(picture, tiling)).transpose(2, 0, 1) / 255
    for plane in range(3):
        assert torch.allclose(
            canvas[plane].double(), torch.from_numpy((expected[plane] - MEAN[plane]) / STD[plane]), atol=1e-6
        )


def test_the_first_crop_is_the_whole_picture_squeezed() -> None:
    crops = PROCESSOR.crops(Image.new("RGB", (112, 56), (255, 0, 0)), max_crops=2)
    assert crops.pixels.shape == (3, 3, 56, 56)
    red = torch.tensor([WHITE[0], -MEAN[1] / STD[1], -MEAN[2] / STD[2]])
    assert torch.allclose(crops.pixels[0], red.view(3, 1, 1).expand(3, 56, 56), atol=1e-5)


def test_the_first_crop_is_shrunk_without_antialiasing() -> None:
    crops = PROCESSOR.crops(noise(112, 112), max_crops=4)
    canvas = torch.cat([torch.cat(list(crops.pixels[1:3]), dim=2), torch.cat(list(crops.pixels[3:5]), dim=2)], dim=1)
    plain, smooth = (
        functional.interpolate(canvas[None], size=(56, 56), mode="bicubic", antialias=antialias)[0]
        for antialias in (False, True)
    )
    assert torch.equal(crops.pixels[0], plain)
    assert not torch.allclose(crops.pixels[0], smooth, atol=0.1)


def test_landscape_pictures_are_padded_white_above_and_below() -> None:
    crops = PROCESSOR.crops(Image.new("RGB", (100, 51)), max_crops=1)  # 56 x 28 of 56 x 56
    column = crops.pixels[1, :, :, 20]
    white, black = torch.tensor(WHITE), -torch.tensor(MEAN) / torch.tensor(STD)
    assert torch.allclose(column[:, :14], white[:, None].expand(3, 14))
    assert torch.allclose(column[:, 14:42], black[:, None].expand(3, 28))
    assert torch.allclose(column[:, 42:], white[:, None].expand(3, 14))


def test_a_portrait_is_treated_as_the_landscape_of_its_mirror_image() -> None:
    portrait = noise(61, 143)
    landscape = portrait.transpose(Image.Transpose.TRANSPOSE)
    standing = canvas_of(portrait, PROCESSOR.tile(61, 143, max_crops=6))
    lying = canvas_of(landscape, PROCESSOR.tile(143, 61, max_crops=6))
    assert standing.transpose(Image.Transpose.TRANSPOSE).tobytes() == lying.tobytes()


def test_transparency_is_dropped_not_blended() -> None:
    opaque = noise(60, 60)
    transparent = opaque.copy()
    transparent.putalpha(0)
    assert torch.equal(PROCESSOR.crops(opaque, max_crops=1).pixels, PROCESSOR.crops(transparent, max_crops=1).pixels)


def test_there_are_only_real_crops() -> None:
    crops = PROCESSOR.crops(noise(200, 100), max_crops=16)
    assert len(crops.pixels) == crops.tiling.crops == 1 + 3 * 5
    assert crops.pixels.dtype is torch.float32
