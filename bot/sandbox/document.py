"""A PDF's pages, drawn. Runs in a decoder process only; nobody else here knows PDFium."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType
from typing import Any

from PIL import Image

from bot.errors import PictureBroken, PictureLocked, PictureNeedsExtra
from bot.sandbox.stored_size import stored_size
from bot.sandbox.wire import DecodeTask

_LARGER_THAN_KEPT = 10_000  # pixels: a page has none of its own, so it is taken for a very large picture


class Document:
    """An open PDF."""

    def __init__(self, pdf: Any) -> None:
        self._pdf = pdf
        self.page_count: int = len(pdf)

    def draw(self, index: int) -> Image.Image:
        """One page as it is turned, in RGB on white, of the size that is kept."""
        with closing(self._pdf[index]) as page:
            width, height = page.get_size()  # points
            enlarge = _LARGER_THAN_KEPT / max(width, height)
            kept = stored_size(max(1, round(width * enlarge)), max(1, round(height * enlarge)))
            bitmap = page.render(scale=max(kept) / max(width, height), rev_byteorder=True)
            image: Image.Image = bitmap.to_pil().convert("RGB")
            return image


@contextmanager
def open_document(task: DecodeTask) -> Iterator[Document]:
    """The PDF that the task's content is.

    Raises:
        PictureLocked: it wants a password.
        PictureNeedsExtra: PDFium is not installed.
        PictureBroken: it is no PDF inside.
    """
    try:
        import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415  untyped; 8 MB for the one format that needs it
    except ImportError:
        raise PictureNeedsExtra(name=task.name, format="PDF") from None
    try:
        pdf = pypdfium2.PdfDocument(task.content)
    except pypdfium2.PdfiumError as error:
        is_locked = _is_locked(task.content, pypdfium2.raw)
        raise (PictureLocked if is_locked else PictureBroken)(name=task.name) from error
    with closing(pdf):
        pdf.init_forms()  # what people have filled in is drawn as well
        yield Document(pdf)


def _is_locked(content: bytes, raw: ModuleType) -> bool:
    """Whether PDFium wants a password: its last error is an earlier document's where this one opens (without pages)."""
    opened = raw.FPDF_LoadMemDocument64(content, len(content), None)
    if opened:
        raw.FPDF_CloseDocument(opened)
        return False
    return bool(raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD)
