"""The terminal: the answer alone on standard output, everything about it on standard error."""

import asyncio

from rich.console import Console
from rich.status import Status

# An answer may do nothing to a terminal but write: of the control characters, line ends and tabs are left.
_NO_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class Terminal:
    """Two consoles. Whoever prints an answer holds `voice` meanwhile, so that two answers are never mixed."""

    def __init__(self, *, out: Console, err: Console) -> None:
        self.voice = asyncio.Lock()
        self._out = out
        self._err = err
        self._status: Status | None = None

    @property
    def is_watched(self) -> bool:
        """Somebody sees the words as they come."""
        return self._out.is_terminal

    @property
    def writes_everything(self) -> bool:
        """Whether there is no letter that it cannot write."""
        return (getattr(self._out.file, "encoding", None) or "utf-8").lower().replace("_", "-") == "utf-8"

    def answer(self, text: str, *, end: str = "") -> None:
        """Words of the answer, as they are."""
        self.clear_status()
        self._out.file.write(text.translate(_NO_CONTROLS) + end)  # rich would turn tabs into spaces
        self._out.file.flush()

    def note(self, text: str, *, style: str = "dim") -> None:
        """A line about the answer."""
        self._err.print(text.translate(_NO_CONTROLS), style=style, markup=False, highlight=False, soft_wrap=True)

    def status(self, text: str) -> None:
        """A line that comes and goes; nothing where nobody watches."""
        if not self._err.is_terminal:
            return
        if self._status is None:
            self._status = self._err.status(text)
            self._status.start()
        self._status.update(text)

    def clear_status(self) -> None:
        """Take that line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None
