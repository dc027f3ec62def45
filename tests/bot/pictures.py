"""Pictures as people post them, made by Pillow."""

import io
from typing import Any

from PIL import Image, ImageDraw

RED, BLUE = (220, 30, 30), (30, 30, 220)


def halves(width: int = 120, height: int = 80) -> Image.Image:
    """Red on the left, blue on the right: which way up it is can be seen."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png(image: Image.Image | None = None) -> bytes:
    return saved(image or halves(), "PNG")


def opened(stored: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(stored))
    image.load()
    return image


def is_near(pixel: Any, colour: tuple[int, int, int], *, by: int = 24) -> bool:
    return all(abs(channel - wanted) <= by for channel, wanted in zip(pixel, colour, strict=True))


def pdf(*pages: Image.Image) -> bytes:
    """A document of scanned pages, 150 dots an inch."""
    first, *others = pages
    return saved(first, "PDF", save_all=True, append_images=others, resolution=150)


def raw_pdf(page: str = "/MediaBox [0 0 200 100]", *, drawing: str = "", trailer: str = "", pages: int = 1) -> bytes:
    """A document of equal pages that each have this entry and this drawing."""
    kids = " ".join(f"{number} 0 R" for number in range(4, 4 + pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        *[f"<< /Type /Page /Parent 2 0 R {page} /Contents 3 0 R >>"] * pages,
    ]
    body, places = "%PDF-1.7\n", []
    for number, written in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{written}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\n"
    return f"{body}{end}startxref\n{len(body)}\n%%EOF".encode()
