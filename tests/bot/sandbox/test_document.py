import pytest
from PIL import Image

from bot.errors import PictureBroken, PictureLocked, PictureTooNarrow
from bot.sandbox.normalise import normalise
from bot.sandbox.wire import DecodeTask, Opened
from tests.bot.pictures import BLUE, RED, halves, is_near, opened, pdf, raw_pdf

pytest.importorskip("pypdfium2")

RED_SQUARE = "1 0 0 rg 0 0 50 50 re f"  # at the lower left
WHITE = (255, 255, 255)
PASSWORD = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >> /ID [<00> <00>]"


def open_pages(content: bytes, max_pages: int = 4) -> Opened:
    return normalise(DecodeTask(name="a.png", content=content, max_pixels=64_000_000, max_pages=max_pages))


def test_the_first_pages_become_pictures_and_the_others_are_counted() -> None:
    document = open_pages(
        pdf(*(Image.new("RGB", (124, 175), colour) for colour in ("red", "green", "blue", "black"))), 3
    )
    assert [page.page for page in document.pictures] == [1, 2, 3]
    colours = [opened(page.stored).getpixel((50, 50)) for page in document.pictures]
    assert [is_near(*pair) for pair in zip(colours, [(255, 0, 0), (0, 128, 0), (0, 0, 255)], strict=True)] == [True] * 3
    assert document.pages_left_out == 1


def test_a_document_of_few_pages_is_taken_in_whole() -> None:
    document = open_pages(pdf(halves()), 4)
    assert (len(document.pictures), document.pages_left_out) == (1, 0)


def test_a_page_is_drawn_as_large_as_sixteen_crops_can_use_twice() -> None:
    (page,) = open_pages(raw_pdf("/MediaBox [0 0 595 842]")).pictures
    assert max(page.width, page.height) == 2688
    assert opened(page.stored).size == (page.width, page.height)


def test_a_page_is_white_where_nothing_is_drawn() -> None:
    (page,) = open_pages(raw_pdf(drawing=RED_SQUARE)).pictures
    image = opened(page.stored)
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert is_near(image.getpixel((10, image.height - 10)), (255, 0, 0))
    assert is_near(image.getpixel((image.width - 10, 10)), WHITE)


def test_a_page_is_drawn_as_it_is_turned() -> None:
    (page,) = open_pages(raw_pdf("/MediaBox [0 0 200 100] /Rotate 90", drawing=RED_SQUARE)).pictures
    assert page.height > page.width
    assert is_near(opened(page.stored).getpixel((10, 10)), (255, 0, 0))


@pytest.mark.parametrize("box", ["0 0 14400 14400", "0 0 2 2", "-50 -50 50 50", "0 0 900000 900000"])
def test_however_large_a_page_says_it_is_it_becomes_the_same(box: str) -> None:
    (page,) = open_pages(raw_pdf(f"/MediaBox [{box}]")).pictures
    assert (page.width, page.height) == (2688, 2688)


def test_drawing_the_same_document_twice_gives_the_same_bytes() -> None:
    content = pdf(halves(600, 400))
    assert open_pages(content) == open_pages(content)


def test_a_scanned_page_keeps_its_colours() -> None:
    image = opened(open_pages(pdf(halves(600, 400))).pictures[0].stored)
    assert is_near(image.getpixel((image.width // 4, image.height // 2)), RED)
    assert is_near(image.getpixel((image.width * 3 // 4, image.height // 2)), BLUE)


def test_a_strip_of_a_page_is_refused() -> None:
    with pytest.raises(PictureTooNarrow):
        open_pages(raw_pdf("/MediaBox [0 0 10000 10]"))


def test_a_document_with_a_password_says_so() -> None:
    with pytest.raises(PictureLocked) as refused:
        open_pages(raw_pdf(trailer=PASSWORD))
    assert refused.value.sentence == "a.png skipped: it is locked with a password."


@pytest.mark.parametrize("content", [b"%PDF-1.7 and no more", pdf(halves())[:300], raw_pdf(pages=0)])
def test_a_document_with_nothing_in_it_is_damaged(content: bytes) -> None:
    with pytest.raises(PictureLocked):
        open_pages(raw_pdf(trailer=PASSWORD))  # whatever the one before it was
    with pytest.raises(PictureBroken) as refused:
        open_pages(content)
    assert refused.value.sentence == "a.png skipped: the file is damaged or cut short."
