"""One small file of every kind that is taken in."""

from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image

from tests.bot.pictures import halves, pdf, raw_pdf, saved

pillow_heif.register_heif_opener()

FORM_FIELD = "/MediaBox [0 0 100 100] /Annots [<< /Subtype /Widget /FT /Tx /T (a) /V (b) /Rect [0 0 50 20] >>]"


def _noise(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)).convert(mode)


def _animated(format_: str) -> bytes:
    return saved(halves(), format_, save_all=True, append_images=[_noise().resize((120, 80))], duration=100)


SAMPLES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved(_noise(), "JPEG"),
    "jpeg progressive": lambda: saved(_noise(), "JPEG", progressive=True, optimize=True),
    "jpeg cmyk": lambda: saved(_noise("CMYK"), "JPEG"),
    "mpo": lambda: saved(halves(), "MPO", save_all=True, append_images=[_noise()]),
    "png": lambda: saved(_noise(), "PNG"),
    "png interlaced palette": lambda: saved(halves().quantize(4), "PNG", interlace=1, transparency=0),
    "png 16 bits": lambda: saved(Image.new("I;16", (40, 30), 30_000), "PNG"),
    "png alpha": lambda: saved(_noise("RGBA"), "PNG"),
    "apng": lambda: _animated("PNG"),
    "gif": lambda: saved(halves(), "GIF"),
    "gif animated": lambda: _animated("GIF"),
    "webp": lambda: saved(_noise(), "WEBP"),
    "webp lossless": lambda: saved(_noise("RGBA"), "WEBP", lossless=True),
    "webp animated": lambda: _animated("WEBP"),
    "bmp": lambda: saved(_noise(), "BMP"),
    "tiff": lambda: saved(_noise(), "TIFF"),
    "tiff lzw": lambda: saved(_noise(), "TIFF", compression="tiff_lzw"),
    "tiff jpeg": lambda: saved(_noise(), "TIFF", compression="jpeg"),
    "tiff fax": lambda: saved(halves().convert("1"), "TIFF", compression="group4"),
    "tiff pages": lambda: _animated("TIFF"),
    "avif": lambda: saved(_noise(), "AVIF"),
    "heic": lambda: saved(_noise(), "HEIF"),
    "pdf scanned": lambda: pdf(_noise(), halves()),
    "pdf drawn": lambda: raw_pdf(FORM_FIELD, drawing="1 0 0 rg 0 0 50 50 re f", pages=2),
}
