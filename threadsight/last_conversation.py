"""Which conversation `-f` continues: the last one of this home."""

import secrets
from pathlib import Path

from jobs import ConversationId
from threadsight.home import make_private


class LastConversation:
    """A file with one name in it, replaced whole."""

    def __init__(self, home: Path) -> None:
        self._file = home / "last_conversation"

    def read(self) -> ConversationId | None:
        """None when there is none yet."""
        try:
            return ConversationId.read(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def write(self, conversation: ConversationId) -> None:
        """From now on this one."""
        make_private(self._file.parent)
        written = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}")
        written.write_text(str(conversation))
        written.replace(self._file)
