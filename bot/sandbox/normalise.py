"""From a file as somebody posted it to the stored form. Runs in a decoder process only."""

import io
import struct
import zlib

from PIL import ExifTags, Image

from bot.errors import (
    NotAPicture,
    PictureBroken,
    PictureNeedsExtra,
    PictureRefused,
    PictureTooHeavy,
    PictureTooManyPixels,
    PictureTooNarrow,
)
from bot.sandbox.document import Document, open_document
from bot.sandbox.magic import HEAD_BYTES, Format, describe, sniff
from bot.sandbox.stored_size import stored_size
from bot.sandbox.wire import DecodeTask, Normalised, Opened
from jobs.stored_form import on_white

_NARROWEST = 100  # to one; the model's smallest canvas would leave such a picture a pixel or two
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MEGA = 1e6
_STRIP_ROWS = 8  # enough to tell a photograph from a drawing
_PHOTOGRAPH_BYTES_PER_PIXEL = 1.0  # in a PNG; a page of text takes 0.15, a smooth photograph 2

# The task says how many pixels are too many; Pillow's own guard would raise before it tells the size.
Image.MAX_IMAGE_PIXELS = None


def normalise(task: DecodeTask) -> Opened:
    """Upright RGB without metadata: PNG for lossless sources, JPEG (quality 95, 4:4:4) for lossy ones.

    The first frame of an animation, the first pages of a document; alpha on white; reduced only when far larger than
    the model can use.

    Raises:
        PictureRefused: one of its leaves.
    """
    head = task.content[:HEAD_BYTES]
    source = sniff(head)
    if source is None:
        raise NotAPicture(name=task.name, found=describe(head))
    try:
        return _read_document(task) if source is Format.PDF else _read_image(task, source)
    except PictureRefused:
        raise
    except MemoryError:
        raise PictureTooHeavy(name=task.name) from None
    except Exception as error:  # codecs raise anything on hostile bytes, and all of it means this
        raise PictureBroken(name=task.name) from error


def _read_document(task: DecodeTask) -> Opened:
    with open_document(task) as document:
        drawn = min(document.page_count, task.max_pages)
        if not drawn:
            raise PictureBroken(name=task.name)
        pages = [_read_page(document, index, task) for index in range(drawn)]
        return Opened(pictures=tuple(pages), pages_left_out=document.page_count - drawn)


def _read_page(document: Document, index: int, task: DecodeTask) -> Normalised:
    image = document.draw(index)  # its pixels are ours: no cap
    _check_aspect(image, task)
    return _saved(image, lossless=True, page=index + 1)


def _read_image(task: DecodeTask, source: Format) -> Opened:
    image = _open(task, source)
    rgb = on_white(image)
    rgb = _reduced(rgb, stored_size(*rgb.size))
    saved = _saved(_upright(rgb, image), lossless=_is_lossless(source, task.content))
    return Opened(pictures=(saved,), frames_left_out=_has_more(image, source))


def _has_more(image: Image.Image, source: Format) -> bool:
    """Whether people see more than one picture in it. The others in cameras' files are previews and depths."""
    if source in {Format.JPEG, Format.HEIF}:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - what comes after the first frame is broken; codecs raise anything
        return False


def _open(task: DecodeTask, source: Format) -> Image.Image:
    """The first frame, decoded; refused by its header where that is enough."""
    if source is Format.HEIF:
        _register_heif(task.name)
    image = Image.open(io.BytesIO(task.content), formats=[source.value])
    _check_size(image, task)
    image.draft(None, stored_size(*image.size))  # a JPEG is decoded at a half, a quarter ... where that is enough
    image.load()
    _check_size(image, task)  # a frame may be larger than its header said
    return image


def _check_size(image: Image.Image, task: DecodeTask) -> None:
    width, height = image.size
    if width * height > task.max_pixels:
        limit = task.max_pixels / _MEGA
        raise PictureTooManyPixels(name=task.name, width=width, height=height, limit_megapixels=limit)
    _check_aspect(image, task)


def _check_aspect(image: Image.Image, task: DecodeTask) -> None:
    width, height = image.size
    if max(width, height) > _NARROWEST * min(width, height):
        raise PictureTooNarrow(name=task.name, width=width, height=height)


def _register_heif(name: str) -> None:
    try:
        import pillow_heif  # noqa: PLC0415  4 MB of codec for the one format that needs it
    except ImportError:
        raise PictureNeedsExtra(name=name, format="HEIC") from None
    pillow_heif.register_heif_opener()


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    # As sharp as bicubic when reducing, at bilinear's price: 90 ms instead of Lanczos's 210 for 12 megapixels.
    return image if image.size == size else image.resize(size, Image.Resampling.HAMMING, reducing_gap=3.0)


def _upright(image: Image.Image, source: Image.Image) -> Image.Image:
    """Turned as the camera's EXIF block says; one that cannot be read says nothing."""
    try:
        orientation = source.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return image
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _is_lossless(source: Format, content: bytes) -> bool:
    if source is Format.WEBP:
        return content[12:16] == b"VP8L"
    return source not in {Format.JPEG, Format.HEIF, Format.AVIF}


def _saved(image: Image.Image, *, lossless: bool, page: int = 0) -> Normalised:
    image.info.clear()  # colour profile, comment, XMP: Pillow would write them back
    stored = io.BytesIO()
    if lossless:
        image.save(stored, "PNG", compress_level=1, compress_type=_strategy_for(image))
    else:
        image.save(stored, "JPEG", quality=95, subsampling="4:4:4")
    return Normalised(stored=stored.getvalue(), width=image.width, height=image.height, page=page)


def _strategy_for(image: Image.Image) -> int:
    """The strategy for zlib: drawings and text shrink by their repetitions, which photographs have none of.

    Not looking for them saves 0.25 s on a photograph of 12 megapixels, whose file becomes no larger.
    """
    tops = [image.height * quarter // 4 for quarter in (1, 2, 3)]
    strips = [image.crop((0, top, image.width, min(image.height, top + _STRIP_ROWS))) for top in tops]
    return zlib.Z_RLE if all(map(_is_photograph, strips)) else zlib.Z_DEFAULT_STRATEGY


def _is_photograph(strip: Image.Image) -> bool:
    sample = io.BytesIO()
    strip.save(sample, "PNG", compress_level=1)
    return len(sample.getvalue()) > _PHOTOGRAPH_BYTES_PER_PIXEL * strip.width * strip.height
