"""Faces and where their ink falls."""

import string

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.world.faces import FILES, load_font


@pytest.mark.parametrize("face", FILES)
def test_each_letters_ink_is_within_its_box(face: str) -> None:
    font = load_font(face, 32)
    for text in ("AV To fy", "gjpqQ 10.25", "WAVE rainfall"):
        image = Image.new("L", (400, 80))
        ImageDraw.Draw(image).text((10, 50), text, 255, font.pillow, anchor="ls")
        pixels = np.asarray(image).copy()
        boxes = [box for box in font.boxes(text, 10, 50) if box[2] > box[0]]
        for left, top, right, bottom in boxes:
            inside = np.asarray(image)[round(top) : round(bottom), round(left) : round(right)]
            assert inside.max() > 128
            pixels[round(top) : round(bottom), round(left) - 1 : round(right) + 1] = 0
        assert pixels.max() < 16


@pytest.mark.parametrize("face", FILES)
def test_all_letters_and_digits_are_in_the_face(face: str) -> None:
    font = load_font(face, 24)
    missing = bytes(font.pillow.getmask("\N{WATER BUFFALO}"))
    for letter in string.ascii_letters + string.digits + ".":
        assert bytes(font.pillow.getmask(letter)) != missing
        assert font.ink(letter)[2] > font.ink(letter)[0]


def test_lines_are_as_wide_as_their_last_letters_end() -> None:
    font = load_font("Roboto", 40)
    for text in ("Tower", "AVATAR", "a b"):
        assert font.starts(text)[-1] == pytest.approx(font.width(text), abs=1)


def test_boxes_are_one_for_each_character_and_a_blanks_is_empty() -> None:
    boxes = load_font("DejaVu Sans", 20).boxes("ab c", 0, 20)
    assert [right > left for left, _, right, _ in boxes] == [True, True, False, True]
