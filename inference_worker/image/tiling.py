"""How a picture is cut into crops, and how many positions it takes. Geometry only: no tensors, no files."""

import math

import msgspec

from inference_worker.errors import PictureTooNarrow


class Size(msgspec.Struct, frozen=True):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def transposed(self) -> "Size":
        """Mirrored on the main diagonal."""
        return Size(self.height, self.width)


class Tiling(msgspec.Struct, frozen=True, kw_only=True):
    """How one picture is cut: `rows` x `columns` crops of the padded canvas, plus the whole picture once."""

    rows: int
    columns: int
    resized: Size  # pixels, upright, before padding
    transposed: bool  # portrait pictures are resized on their side
    crop_size: int  # pixels, both ways
    tokens_per_side: int  # language-model positions along one side of a crop

    @property
    def padded(self) -> Size:
        """The canvas in pixels: `resized` with white above and below (portrait: left and right)."""
        return Size(self.columns * self.crop_size, self.rows * self.crop_size)

    @property
    def crops(self) -> int:
        """Crops that the tower sees: the whole picture and its parts."""
        return self.rows * self.columns + 1

    @property
    def tokens(self) -> int:
        """Language-model positions it takes.

        A grid of positions for every crop, a separator at the end of each grid line of the parts and of the
        whole, and one between the two: (rows*columns + 1)*side^2 + (rows + 1)*side + 1.
        """
        side = self.tokens_per_side
        return self.crops * side**2 + (self.rows + 1) * side + 1


def choose_tiling(width: int, height: int, *, max_crops: int, crop_size: int, tokens_per_side: int) -> Tiling:
    """The widest canvas of at most `max_crops` crops that keeps the picture's aspect.

    The longer side is laid across s crops, the shorter one takes as many as it needs; s grows while the product
    stays within `max_crops`. 1280 x 720 with 4 crops: s = 2 gives 672 x 378 pixels, so 2 x 2 crops of 336:

    >>> tiling = choose_tiling(1280, 720, max_crops=4, crop_size=336, tokens_per_side=12)
    >>> tiling.resized, tiling.padded, tiling.tokens
    (Size(width=672, height=378), Size(width=672, height=672), 757)

    Raises:
        PictureTooNarrow: the shorter side would vanish (2000 x 1).
    """
    if min(width, height) < 1:
        raise PictureTooNarrow(width=width, height=height)
    transposed = width < height
    ratio = max(width, height) / min(width, height)
    across = 1
    while (across + 1) * math.ceil((across + 1) / ratio) <= max_crops:
        across += 1
    longer = crop_size * across
    shorter = int(longer / ratio)
    if shorter == 0:
        raise PictureTooNarrow(width=width, height=height)
    down = math.ceil(shorter / crop_size)
    on_its_side = Size(longer, shorter)
    return Tiling(
        rows=across if transposed else down,
        columns=down if transposed else across,
        resized=on_its_side.transposed if transposed else on_its_side,
        transposed=transposed,
        crop_size=crop_size,
        tokens_per_side=tokens_per_side,
    )
