"""What stands in each patch of a drawn picture: the dense labels that the tower learns to name."""

import string

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.drawing import Drawing
from training.placement import Placement, centres
from training.world.colours import COLOURS
from training.world.forms import FORMS

CHARACTERS = string.ascii_letters + string.digits + string.punctuation  # class 0 is none of them
MOST_CHARACTERS = 3  # of a patch, in reading order
PATCHES = 4  # of a token: upper left, upper right, lower left, lower right
NONE = 0
IGNORED = -1
BORDER_PX = 0.75  # a character whose middle is nearer to its patch's border belongs to neither side for certain
CORE = 0.3  # of a shape's box, from its middle both ways: is surely the shape

_CLASS = {character: place + 1 for place, character in enumerate(CHARACTERS)}

Classes = NDArray[np.int64]


class TokenLabels(msgspec.Struct, frozen=True, kw_only=True):
    """Labels of all tokens of a picture's parts grid (lines x columns = tokens), patch by patch; -1 is ignored.

    Class 0 is nothing; see `CHARACTERS`, `FORMS` and `COLOURS` for the others, counted from 1.
    """

    rows: Classes  # (tokens,) within the picture's slot
    characters: Classes  # (tokens, 4, 3)
    forms: Classes  # (tokens, 4)
    colours: Classes  # (tokens, 4)

    @property
    def speaking(self) -> NDArray[np.bool_]:
        """(tokens,): something is there, for certain or not."""
        speaking: NDArray[np.bool_] = (self.characters != NONE).any((1, 2)) | (self.forms != NONE).any(1)
        return speaking


def label_tokens(drawing: Drawing, placement: Placement) -> TokenLabels:
    """What stands in each patch of the picture's tokens."""
    forms, colours = _label_shapes(drawing, placement)
    return TokenLabels(
        rows=placement.all_rows(),
        characters=_by_token(_label_characters(drawing, placement)),
        forms=_by_token(forms[..., None])[..., 0],
        colours=_by_token(colours[..., None])[..., 0],
    )


def _label_characters(drawing: Drawing, placement: Placement) -> Classes:
    """(patch lines, patch columns, 3)."""
    shape = (2 * placement.lines, 2 * placement.columns)
    seen = [
        (box, _CLASS.get(character, IGNORED))
        for text in drawing.texts
        for character, box in zip(text.text, text.glyphs, strict=True)
        if box[2] > box[0]
    ]
    labels = np.zeros((shape[0] * shape[1], MOST_CHARACTERS), dtype=np.int64)
    if not seen:
        return labels.reshape(*shape, MOST_CHARACTERS)
    x, y = (middles / (placement.token_px / 2) for middles in centres(placement.place(tuple(box for box, _ in seen))))
    patches = _patch(x, y, shape)
    order = np.argsort(patches, kind="stable")
    patches, classes = patches[order], np.array([class_ for _, class_ in seen])[order]
    first = np.searchsorted(patches, patches)  # where its patch begins
    rank = np.arange(len(patches)) - first
    fits = rank < MOST_CHARACTERS
    labels[patches[fits], rank[fits]] = classes[fits]
    near = BORDER_PX / (placement.token_px / 2)
    for dx in (-near, near):
        for dy in (-near, near):
            elsewhere = _patch(x + dx, y + dy, shape)
            unsure = elsewhere != _patch(x, y, shape)
            labels[elsewhere[unsure]] = IGNORED
            labels[_patch(x, y, shape)[unsure]] = IGNORED
    return labels.reshape(*shape, MOST_CHARACTERS)


def _patch(x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]) -> Classes:
    """The number of the patch at each place, given in patches."""
    lines = np.clip(y.astype(np.int64), 0, shape[0] - 1)
    columns = np.clip(x.astype(np.int64), 0, shape[1] - 1)
    patches: Classes = lines * shape[1] + columns
    return patches


def _label_shapes(drawing: Drawing, placement: Placement) -> tuple[Classes, Classes]:
    """Form and colour, each (patch lines, patch columns): certain in a shape's core, ignored up to its box's edge."""
    forms = np.zeros((2 * placement.lines, 2 * placement.columns), dtype=np.int64)
    colours = np.zeros_like(forms)
    y, x = np.indices(forms.shape) + 0.5  # middles, in patches
    boxes = placement.place(tuple(shape.box for shape in drawing.shapes)) / (placement.token_px / 2)
    for shape, (left, top, right, bottom) in zip(drawing.shapes, boxes.tolist(), strict=True):
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        reach_x, reach_y = (right - left) / 2 + 0.5, (bottom - top) / 2 + 0.5
        touched = (abs(x - middle_x) < reach_x) & (abs(y - middle_y) < reach_y)
        core_x, core_y = (max(0.5, CORE * (side)) for side in (right - left, bottom - top))
        core = (abs(x - middle_x) <= core_x) & (abs(y - middle_y) <= core_y)
        for labels, names, name in ((forms, FORMS, shape.form), (colours, COLOURS, shape.colour)):
            labels[touched & ~core] = IGNORED
            labels[core] = names.index(name) + 1
    return forms, colours


def _by_token(patches: Classes) -> Classes:
    """(2 * lines, 2 * columns, width) to (lines * columns, 4, width)."""
    height, across, width = patches.shape
    grid = patches.reshape(height // 2, 2, across // 2, 2, width).transpose(0, 2, 1, 3, 4)
    return grid.reshape(-1, PATCHES, width)
