"""The first pages of a PDF, drawn. Runs in a decoder process only; nobody else here knows PDFium."""

from collections.abc import Iterator
from contextlib import closing

from PIL import Image

from bot.errors import PictureBroken, PictureLocked, PictureNeedsExtra
from bot.sandbox.stored_size import stored_size
from bot.sandbox.wire import DecodeTask

_LARGER_THAN_KEPT = 10_000  # pixels: as long as the longer side may be before it is reduced to what is kept


def read_pages(task: DecodeTask) -> Iterator[tuple[Image.Image, int]]:
    """Each page as an RGB image on white, of the size that is kept, and how many pages follow it.

    Only as many as the task wants; drawn one by one, so that a long document takes no more memory than a page.

    Raises:
        PictureLocked: it wants a password.
        PictureNeedsExtra: PDFium is not installed.
        PictureBroken: it is no PDF inside.
    """
    try:
        import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415  ships no types; 8 MB for the one format that needs it
    except ImportError:
        raise PictureNeedsExtra(number=task.number, format="PDF") from None
    try:
        document = pypdfium2.PdfDocument(task.content)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise (PictureLocked if locked else PictureBroken)(number=task.number) from error
    with closing(document):
        document.init_forms()  # what people have filled in is drawn as well
        count = len(document)
        for index in range(min(count, task.max_pages)):
            with closing(document[index]) as page:
                width, height = page.get_size()  # points, as it is turned
                scale = _LARGER_THAN_KEPT / max(width, height)
                kept = stored_size(max(1, round(width * scale)), max(1, round(height * scale)))
                bitmap = page.render(scale=max(kept) / max(width, height), rev_byteorder=True)
                yield bitmap.to_pil().convert("RGB"), count - index - 1
