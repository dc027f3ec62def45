import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from bot.errors import (
    NotAPicture,
    PictureBroken,
    PictureRefused,
    PictureTooManyPixels,
    PictureTooNarrow,
)
from bot.sandbox.normalise import normalise
from bot.sandbox.wire import DecodeTask, Normalised
from tests.bot.pictures import BLUE, RED, halves, is_near, opened, png, saved
from tests.bot.sandbox.samples import SAMPLES

WHITE = (255, 255, 255)
ORIENTATION = 0x0112
MEGA = 1_000_000

pillow_heif = pytest.importorskip("pillow_heif")
pillow_heif.register_heif_opener()


def normal(content: bytes, *, max_pixels: int = 64 * MEGA) -> Normalised:
    (form,) = normalise(DecodeTask(name="a.png", content=content, max_pixels=max_pixels)).pictures
    return form


def left_and_right(stored: bytes) -> tuple[object, object]:
    image = opened(stored)
    return image.getpixel((image.width // 4, image.height // 2)), image.getpixel(
        (image.width * 3 // 4, image.height // 2)
    )


@pytest.mark.parametrize(
    ("format_", "options", "kept_as"),
    [
        ("PNG", {}, "PNG"),
        ("BMP", {}, "PNG"),
        ("GIF", {}, "PNG"),
        ("TIFF", {}, "PNG"),
        ("TIFF", {"compression": "tiff_lzw"}, "PNG"),
        ("WEBP", {"lossless": True}, "PNG"),
        ("WEBP", {"quality": 90}, "JPEG"),
        ("JPEG", {"quality": 90}, "JPEG"),
        ("JPEG", {"quality": 90, "progressive": True}, "JPEG"),
        ("AVIF", {"quality": 90}, "JPEG"),
        ("HEIF", {"quality": 90}, "JPEG"),
    ],
)
def test_every_format_keeps_its_pixels(format_: str, options: dict[str, object], kept_as: str) -> None:
    form = normal(saved(halves(), format_, **options))
    left, right = left_and_right(form.stored)
    assert opened(form.stored).format == kept_as
    assert (form.width, form.height) == (120, 80)
    assert is_near(left, RED)
    assert is_near(right, BLUE)


def test_lossless_sources_lose_nothing() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    assert opened(normal(png(noise)).stored).tobytes() == noise.tobytes()


def test_lossy_sources_keep_full_colour_resolution() -> None:
    image = opened(normal(saved(halves(), "JPEG")).stored)
    assert [layer[1:3] for layer in image.layer] == [(1, 1), (1, 1), (1, 1)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_stands_upright_however_the_camera_was_held(orientation: int, format_: str) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    as_taken = halves() if undo is None else halves().transpose(undo)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    form = normal(saved(as_taken, format_, exif=exif))
    left, right = left_and_right(form.stored)
    assert (form.width, form.height) == (120, 80)
    assert is_near(left, RED)
    assert is_near(right, BLUE)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_exif_block_that_cannot_be_read_turns_nothing() -> None:
    content = saved(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert (normal(content).width, normal(content).height) == (120, 80)


def test_nothing_but_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    profile = b"a colour profile of no use" * 10
    for format_ in ("JPEG", "PNG"):
        form = normal(saved(halves(), format_, exif=exif, icc_profile=profile, comment="found at the lake"))
        assert b"A camera" not in form.stored
        assert b"lake" not in form.stored
        kept = opened(form.stored)
        assert not kept.getexif()
        assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_turns_white(format_: str) -> None:
    image = halves().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 60, 80))
    left, right = left_and_right(normal(saved(image, format_)).stored)
    assert is_near(left, WHITE)
    assert is_near(right, BLUE)


def test_half_transparent_is_mixed_with_white() -> None:
    image = Image.new("LA", (50, 50), (0, 128))
    left, _ = left_and_right(normal(saved(image, "PNG")).stored)
    assert is_near(left, (127, 127, 127), by=2)


def test_a_palette_may_be_transparent_by_degrees() -> None:
    image = Image.new("P", (20, 10))
    image.putpalette([0, 0, 0, 255, 0, 0])
    left, _ = left_and_right(normal(saved(image, "PNG", transparency=bytes([128, 255]))).stored)
    assert is_near(left, (127, 127, 127), by=1)


def test_a_transparent_palette_entry_turns_white() -> None:
    image = halves().quantize(4)
    transparent = image.getpixel((10, 10))
    left, right = left_and_right(normal(saved(image, "PNG", transparency=transparent)).stored)
    assert is_near(left, WHITE)
    assert is_near(right, BLUE)


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(32, axis=0)
    image = opened(normal(saved(Image.fromarray(ramp), "PNG")).stored)
    assert [image.getpixel((x, 5)) for x in (0, 128, 255)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


@pytest.mark.parametrize(
    ("colour_type", "pixel", "shown"),
    [
        (2, (65535, 32768, 0), (255, 128, 0)),  # RGB
        (6, (65535, 32768, 0, 0), WHITE),  # with alpha
        (4, (0, 32768), (127, 127, 127)),  # grey with alpha
    ],
)
def test_sixteen_bits_a_channel_become_eight(
    colour_type: int, pixel: tuple[int, ...], shown: tuple[int, int, int]
) -> None:
    row = b"\0" + struct.pack(f">{len(pixel)}H", *pixel) * 20
    image = opened(normal(raw_png(20, 10, row * 10, depth=16, colour_type=colour_type)).stored)
    assert is_near(image.getpixel((5, 5)), shown, by=1)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_without_a_range_are_stretched(mode: str) -> None:
    ramp = np.linspace(-1000, 70000, 256).reshape(1, 256).repeat(32, axis=0)
    samples = ramp.astype(np.int32 if mode == "I" else np.float32)
    image = opened(normal(saved(Image.fromarray(samples), "TIFF")).stored)
    dark, middle, bright = (image.getpixel((x, 5))[0] for x in (0, 128, 255))
    assert dark == 0
    assert 120 < middle < 136
    assert bright >= 254


@pytest.mark.parametrize(
    ("mode", "format_"),
    [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "JPEG"), ("1", "PNG"), ("P", "GIF"), ("LAB", "TIFF")],
)
def test_every_mode_becomes_rgb(mode: str, format_: str) -> None:
    if mode == "LAB":
        image = Image.new("LAB", (120, 80), (255, 128, 128))
    else:
        image = Image.new("RGB", (120, 80), "white").convert(mode)
    kept = opened(normal(saved(image, format_)).stored)
    assert kept.mode == "RGB"
    assert is_near(kept.getpixel((60, 40)), WHITE, by=4)


def test_cmyk_colours_come_out_right() -> None:
    left, right = left_and_right(normal(saved(halves().convert("CMYK"), "JPEG", quality=95)).stored)
    assert is_near(left, RED, by=40)
    assert is_near(right, BLUE, by=40)


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_is_its_first_frame(format_: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("green", "yellow", "black")]
    content = saved(frames[0], format_, save_all=True, append_images=frames[1:])
    kept = opened(normal(content).stored)
    assert kept.size == (40, 30)
    assert is_near(kept.getpixel((20, 15)), (0, 128, 0))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        *((name, True) for name in ("apng", "gif animated", "webp animated", "tiff pages")),
        *((name, False) for name in ("png", "gif", "webp", "tiff", "avif", "jpeg", "mpo", "heic")),
    ],
)
def test_it_is_said_where_people_see_more_than_the_first_frame(name: str, *, more: bool) -> None:
    assert normalise(DecodeTask(name="a.png", content=SAMPLES[name](), max_pixels=10**6)).frames_left_out is more


def test_a_photo_with_a_second_one_inside_is_the_first() -> None:
    content = saved(halves(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    assert b"MPF" in content[:1000]
    assert (normal(content).width, normal(content).height) == (120, 80)


def test_a_heic_photo_of_a_phone_is_taken_in() -> None:
    content = saved(halves(640, 480), "HEIF", quality=80)
    assert b"heic" in content[:32]
    assert (normal(content).width, normal(content).height) == (640, 480)


def test_a_large_picture_is_kept_at_twice_what_the_crops_use() -> None:
    form = normal(saved(halves(4000, 3000), "JPEG"))
    assert (form.width, form.height) == (2688, 2016)


@pytest.mark.parametrize("cut_at", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_a_file_that_was_cut_short_is_refused_in_words(format_: str, cut_at: float) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))
    content = saved(noise, format_)
    with pytest.raises(PictureBroken) as refused:
        normal(content[: int(len(content) * cut_at)])
    assert refused.value.sentence == "a.png skipped: the file is damaged or cut short."


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello, this is just text in a file named photo.png", "a text file"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
        (b"PK\x03\x04\x14\0", "a zip archive or an office document"),
        (b"\x7fELF\x02\x01\x01\0", "a file of an unknown kind"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(content: bytes, found: str) -> None:
    with pytest.raises(NotAPicture) as refused:
        normal(content)
    assert refused.value.sentence == f"a.png skipped: it is {found}, not a picture."


def raw_png(
    width: int, height: int, rows: bytes, *, depth: int = 8, colour_type: int = 2, before: bytes = b""
) -> bytes:
    """A PNG of these rows, whatever its header promises."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(PictureTooManyPixels) as refused:
        normal(raw_png(50_000, 50_000, b"\0" * 100))
    assert refused.value.sentence == "a.png skipped: 50000 x 50000 pixels, the limit is 64 megapixels."


@pytest.mark.parametrize("format_", ["JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_the_header_counts_in_every_format(format_: str) -> None:
    with pytest.raises(PictureTooManyPixels):
        normal(saved(halves(400, 300), format_), max_pixels=100_000)


def test_a_small_picture_that_unpacks_to_far_more_than_its_pixels_is_only_those() -> None:
    rows = (b"\0" + b"\xff\0\0" * 20) * 10 + bytes(40_000_000)
    content = raw_png(20, 10, rows)
    assert len(content) < 50_000
    assert is_near(opened(normal(content).stored).getpixel((5, 5)), (255, 0, 0), by=0)


def test_a_comment_that_unpacks_without_end_is_not_unpacked() -> None:
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000)))
    row = b"\0" + b"\xff\0\0" * 20
    with pytest.raises(PictureBroken):
        normal(raw_png(20, 10, row * 10, before=comment))


def test_a_frame_larger_than_its_header_said_is_refused() -> None:
    content = bytearray(saved(Image.new("P", (400, 400)), "GIF"))
    content[6:10] = struct.pack("<HH", 20, 20)  # the screen; the frame inside stays 400 x 400
    with pytest.raises(PictureTooManyPixels):
        normal(bytes(content), max_pixels=10_000)


@pytest.mark.parametrize("size", [(2000, 1), (1, 2000), (101, 1)])
def test_a_line_of_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooNarrow):
        normal(png(Image.new("RGB", size)))


@pytest.mark.parametrize("make", [png, lambda: saved(halves(), "JPEG"), lambda: saved(halves(), "GIF")])
def test_random_damage_is_never_more_than_a_refusal(make: Callable[[], bytes]) -> None:
    random = np.random.default_rng(1)
    content, modes, sentences = make(), set(), set()
    for _ in range(60):
        damaged = bytearray(content)
        for at in random.integers(8, len(content), 6):
            damaged[at] = random.integers(0, 256)
        try:
            mode = opened(normal(bytes(damaged), max_pixels=MEGA).stored).mode
        except PictureRefused as refused:
            sentences.add(refused.sentence)
        else:
            modes.add(mode)
    assert modes <= {"RGB"}
    assert sentences
    assert all(sentence.startswith("a.png skipped: ") for sentence in sentences)


def test_an_avif_that_calls_itself_mif1_is_still_avif() -> None:
    content = bytearray(saved(halves(), "AVIF"))
    assert content[8:12] == b"avif"
    size = int.from_bytes(content[:4], "big")
    brands = b"mif1" + content[12:16] + b"avif" + bytes(content[20:size])
    form = normal(bytes(content[:8]) + brands + bytes(content[size:]))
    assert (form.width, form.height) == (120, 80)
