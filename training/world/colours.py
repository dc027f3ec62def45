"""Colours by name, each somewhere around what people mean by it, and how well they are told apart."""

import functools
import math
import random

import msgspec

from training.world.chance import chance

RGB = tuple[int, int, int]

# For every name the shades that drawings use for it: the plain one of the web, and those of flat designs.
SHADES: dict[str, tuple[RGB, ...]] = {
    "red": ((255, 0, 0), (215, 40, 40), (231, 60, 50), (200, 20, 40)),
    "blue": ((0, 0, 255), (40, 80, 220), (31, 119, 190), (52, 140, 219)),
    "green": ((0, 128, 0), (40, 160, 70), (44, 170, 44), (20, 190, 80)),
    "yellow": ((255, 255, 0), (240, 215, 60), (250, 210, 30), (255, 230, 90)),
    "orange": ((255, 165, 0), (245, 140, 30), (255, 127, 14), (235, 125, 30)),
    "purple": ((128, 0, 128), (140, 50, 170), (110, 50, 160), (150, 80, 185)),
    "pink": ((255, 192, 203), (255, 105, 180), (240, 130, 180), (250, 150, 190)),
    "brown": ((139, 69, 19), (130, 80, 40), (110, 70, 45), (150, 90, 50)),
    "black": ((0, 0, 0), (20, 20, 20), (30, 32, 38)),
    "white": ((255, 255, 255), (250, 250, 247)),
    "gray": ((128, 128, 128), (145, 148, 150), (110, 112, 115), (160, 160, 160)),
}
COLOURS = tuple(SHADES)
JITTER = 6  # of each channel, both ways
LEAST_DISTANCE = 25.0  # in CIELAB: pink on white has 29, orange beside yellow 27
LEAST_CONTRAST = 3.0  # of letters


class Paint(msgspec.Struct, frozen=True):
    """A colour as people call it, and as it is drawn."""

    name: str
    rgb: RGB


def draw_paint(rng: random.Random, names: tuple[str, ...] = COLOURS) -> Paint:
    """One of the colours, in one of its shades."""
    name = rng.choice(names)
    red, green, blue = rng.choice(SHADES[name])
    if chance(rng, 0.5):  # the other half stays exact, as most programs draw it
        red, green, blue = (min(255, max(0, channel + rng.randint(-JITTER, JITTER))) for channel in (red, green, blue))
    return Paint(name, (red, green, blue))


def draw_paint_on(rng: random.Random, ground: Paint, names: tuple[str, ...] = COLOURS) -> Paint:
    """One of the colours that is clearly seen on the ground."""
    others = tuple(name for name in names if name != ground.name)
    while not clearly_apart((paint := draw_paint(rng, others)).rgb, ground.rgb):
        pass
    return paint


def draw_ink(rng: random.Random, ground: RGB) -> RGB:
    """A colour for letters, at least 3:1 from the ground: mostly black or white, else some colour or a gray."""
    strongest = max(((0, 0, 0), (255, 255, 255)), key=lambda ink: contrast(ink, ground))
    if chance(rng, 0.45):
        return strongest
    ink = draw_paint(rng).rgb if chance(rng, 0.6) else ground
    least = LEAST_CONTRAST * rng.uniform(1.01, 2.2)
    for share in range(21):  # towards black or white, until it can be read
        mixed = mix(ink, strongest, share / 20)
        if contrast(mixed, ground) >= least:
            return mixed
    return strongest


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`share` of the other in the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


@functools.lru_cache(maxsize=65536)
def contrast(one: RGB, other: RGB) -> float:
    """The ratio of WCAG 2.1, from 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(rgb: RGB) -> float:
    """The relative luminance of WCAG 2.1, from 0 to 1."""
    red, green, blue = (LINEAR[channel] for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def clearly_apart(one: RGB, other: RGB) -> bool:
    """Whether a shape of the one is well seen on, or beside, the other."""
    return distance(one, other) >= LEAST_DISTANCE


def distance(one: RGB, other: RGB) -> float:
    """In CIELAB (CIE 1976): 2 is just seen, black and white are 100 apart."""
    return math.dist(lab(one), lab(other))


@functools.lru_cache(maxsize=65536)
def lab(rgb: RGB) -> tuple[float, float, float]:
    """CIELAB of an sRGB colour, under D65."""
    red, green, blue = (LINEAR[channel] for channel in rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (_lightness(part) for part in (x, y, z))
    return (116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def _lightness(part: float) -> float:
    return float(part ** (1 / 3)) if part > 0.008856 else 7.787 * part + 16 / 116  # noqa: PLR2004 - CIE's own


def _linear(channel: int) -> float:
    part = channel / 255
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own


LINEAR = tuple(_linear(channel) for channel in range(256))
