"""What a file is, by its first bytes. Names, extensions and content types are what strangers say it is."""

import enum

HEAD_BYTES = 64  # enough for every format below


class Format(enum.Enum):
    """A format that is taken in; the value is Pillow's name of it, where Pillow reads it."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    WEBP = "WEBP"
    BMP = "BMP"
    TIFF = "TIFF"
    AVIF = "AVIF"
    HEIF = "HEIF"
    PDF = "PDF"  # see `document`


_PICTURES = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"BM", Format.BMP),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"%PDF-", Format.PDF),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# What people send by mistake, so that they can be told.
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"ID3", "a sound"),
)


def sniff(head: bytes) -> Format | None:
    """The format of a picture that starts like this, or None when it is none that is taken in."""
    for start, picture in _PICTURES:
        if head.startswith(start):
            return picture
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return Format.AVIF
    return Format.HEIF if brands & _HEIF_BRANDS else None


def describe(head: bytes) -> str:
    """What a file that is no picture seems to be, with its article."""
    if not head:
        return "an empty file"
    start = head.lstrip().lower()
    for magic, name in _OTHERS:
        if start.startswith(magic.lower()):
            return name
    if _brands(head):
        return "a video"
    return "a text file" if head.isascii() and b"\0" not in head else "a file of an unknown kind"


def _brands(head: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file (`ftyp` box); empty for anything else."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
