"""The faces that letters are drawn in, and where each letter's ink falls."""

import functools
import importlib.metadata
import itertools
import random

from PIL import ImageFont

from training.drawing import Box
from training.world.split import Split

# Name: the package on PyPI that ships it, and the file in it.
SEEN: dict[str, tuple[str, str]] = {
    "DejaVu Sans": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf"),
    "DejaVu Sans Bold": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSans-Bold.ttf"),
    "DejaVu Serif": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSerif.ttf"),
    "DejaVu Serif Bold": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf"),
    "DejaVu Sans Mono": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSansMono.ttf"),
    "DejaVu Sans Mono Bold": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSansMono-Bold.ttf"),
    "STIX": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/STIXGeneral.ttf"),
    "STIX Bold": ("matplotlib", "matplotlib/mpl-data/fonts/ttf/STIXGeneralBol.ttf"),
    "Roboto": ("font-roboto", "font_roboto/files/Roboto-Regular.ttf"),
    "Roboto Light": ("font-roboto", "font_roboto/files/Roboto-Light.ttf"),
    "Roboto Medium": ("font-roboto", "font_roboto/files/Roboto-Medium.ttf"),
    "Roboto Bold": ("font-roboto", "font_roboto/files/Roboto-Bold.ttf"),
    "Source Sans": ("font-source-sans-pro", "font_source_sans_pro/files/SourceSansPro-Regular.ttf"),
    "Source Sans Semibold": ("font-source-sans-pro", "font_source_sans_pro/files/SourceSansPro-Semibold.ttf"),
    "Caladea": ("font-caladea", "font_caladea/files/Caladea-Regular.ttf"),
    "Caladea Bold": ("font-caladea", "font_caladea/files/Caladea-Bold.ttf"),
    "Hanken Grotesk": ("font-hanken-grotesk", "font_hanken_grotesk/files/HankenGrotesk-Medium.otf"),
    "Hanken Grotesk Bold": ("font-hanken-grotesk", "font_hanken_grotesk/files/HankenGrotesk-Bold.otf"),
    "Red Hat Display": ("font-rhd", "font_rhd/files/RedHatDisplay-Medium.ttf"),
    "Red Hat Display Bold": ("font-rhd", "font_rhd/files/RedHatDisplay-Bold.ttf"),
    "Fredoka One": ("font-fredoka-one", "font_fredoka_one/files/FredokaOne-Regular.ttf"),
    "Fjalla One": ("font-fjallaone", "font_fjallaone/files/FjallaOne-Regular.ttf"),
}
HELD_OUT: dict[str, tuple[str, str]] = {
    "Lato": ("font-lato", "font_lato/files/Lato-Regular.ttf"),
    "Source Serif": ("font-source-serif-pro", "font_source_serif_pro/files/SourceSerifPro-Regular.ttf"),
    "Manrope Bold": ("font-manrope", "font_manrope/files/Manrope-Bold.ttf"),
}
FILES = SEEN | HELD_OUT
FACES = {Split.SEEN: tuple(SEEN), Split.HELD_OUT: tuple(HELD_OUT)}
TALL = "bdfhklAHX08"
DEEP = "gjpqyQ"


class Font:
    """A face at one size. Lines start at their left end on the baseline."""

    def __init__(self, face: str, size_px: int) -> None:
        # Basic layout: no ligatures, so that a character has a place of its own; and it is the faster one.
        self.pillow = ImageFont.truetype(find_file(face), size_px, layout_engine=ImageFont.Layout.BASIC)
        self.face = face
        self.size_px = size_px
        self._inks: dict[str, Box] = {}
        self._advances: dict[str, float] = {}
        self.rise = -self.ink(TALL)[1]  # pixels above the baseline
        self.drop = self.ink(DEEP)[3]  # pixels below it

    def ink(self, letters: str) -> Box:
        """The box of their ink, from their place on the baseline."""
        if (box := self._inks.get(letters)) is None:
            box = self._inks[letters] = self.pillow.getbbox(letters, anchor="ls")
        return box

    def advance(self, letters: str) -> float:
        """Pixels that one letter or a pair of them takes, kerning within."""
        if (pixels := self._advances.get(letters)) is None:
            pixels = self._advances[letters] = self.pillow.getlength(letters)
        return pixels

    def starts(self, text: str) -> list[float]:
        """Where each letter begins, and where the line ends."""
        places = [0.0]
        for letter, following in itertools.pairwise(text):
            places.append(places[-1] + self.advance(letter + following) - self.advance(following))
        places.append(places[-1] + self.advance(text[-1]))
        return places

    def width(self, text: str) -> float:
        """Of the whole line, in pixels."""
        return float(self.pillow.getlength(text))

    def boxes(self, text: str, left: float, baseline: float) -> tuple[Box, ...]:
        """Each letter's ink in the picture; a blank's is empty."""
        found: list[Box] = []
        for letter, start in zip(text, self.starts(text), strict=False):
            if letter == " ":
                found.append((left + start, baseline, left + start, baseline))
                continue
            box = self.ink(letter)
            found.append((left + start + box[0], baseline + box[1], left + start + box[2], baseline + box[3]))
        return tuple(found)


@functools.cache
def find_file(face: str) -> str:
    """Its path, in the package that ships it."""
    package, file = FILES[face]
    return str(importlib.metadata.distribution(package).locate_file(file))


@functools.lru_cache(maxsize=2048)
def load_font(face: str, size_px: int) -> Font:
    """A face at one size; kept."""
    return Font(face, size_px)


def draw_face(rng: random.Random, split: Split) -> str:
    """One of the split's faces."""
    return rng.choice(FACES[split])
