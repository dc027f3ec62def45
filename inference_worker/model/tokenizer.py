"""Text to token ids and back, through the model's own `tokenizer.json`.

Habits of this tokeniser: every stretch of text between two special tokens starts with its own "▁" (a space), and
`<|assistant|>` swallows the white space that follows it. `<|end|>` and a line break are end, "▁", line break;
`<|assistant|>` and a line break are assistant alone.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer as HubTokenizer

from inference_worker.errors import ModelIncomplete, ModelUnreadable, ModelUnsupported

_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")


class Tokenizer:
    """Token ids by name, and both directions."""

    def __init__(self, folder: Path) -> None:
        """Read `tokenizer.json` of a model's folder.

        Raises:
            ModelIncomplete: there is none.
            ModelUnreadable: it is damaged.
            ModelUnsupported: it lacks the tokens of a Phi-3 dialogue.
        """
        source = _read(folder)
        self.fingerprint = hashlib.sha256(source.encode()).hexdigest()[:16]  # ids mean the same under the same one
        self._trusting, self._distrusting = _build(folder, source)
        self.bos_id = self._id(folder, "<s>")
        self.user_id = self._id(folder, "<|user|>")
        self.assistant_id = self._id(folder, "<|assistant|>")
        self.end_id = self._id(folder, "<|end|>")
        self.special_ids = frozenset(
            token for token, added in self._trusting.get_added_tokens_decoder().items() if added.special
        )
        pieces = self._trusting.get_vocab()
        self.visible_ids = frozenset(pieces.values()) - self.special_ids  # a model has rows that name nothing, too
        self.byte_ids = frozenset(token for piece, token in pieces.items() if _BYTE_PIECE.fullmatch(piece))

    def encode(self, text: str, *, bos: bool = False) -> list[int]:
        """Our own text: the names of special tokens in it become those tokens. `bos` puts `<s>` in front."""
        return self._trusting.encode(text, add_special_tokens=bos).ids

    def encode_untrusted(self, text: str) -> list[int]:
        """A person's text: nothing in it becomes a special token, `<|end|>` is seven characters like any others.

        Where the text has no such names, it is `encode(text)`.
        """
        return self._distrusting.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """The text of `ids`; special tokens are left out, or written by name."""
        return self._trusting.decode(ids, skip_special_tokens=not special)

    def piece(self, token: int) -> str:
        """The vocabulary's own name of a token: "▁" for a space, `<0x0A>` for a byte."""
        name = self._trusting.id_to_token(token)
        assert name is not None, "an id of this vocabulary"
        return name

    def _id(self, folder: Path, name: str) -> int:
        token = self._trusting.token_to_id(name)
        if token is None:
            raise ModelUnsupported(folder=folder, reason=f"its tokenizer.json has no {name}")
        return token


class TextStream:
    """Text as the ids come; all its pieces together are exactly `decode` of all ids.

    Characters outside the vocabulary come as runs of byte tokens, and whether a run is readable is known only at its
    end (one bad byte spoils all of it), so a run is held back until another token follows.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._anchor: list[int] = []  # the last id told: text depends on whether it is the first, on nothing else
        self._held: list[int] = []

    def push(self, ids: Sequence[int]) -> str:
        """The text that is certain now and was not before; often empty."""
        self._held += (token for token in ids if token in self._tokenizer.visible_ids)
        if self._held and self._held[-1] not in self._tokenizer.byte_ids:
            return self.finish()
        return ""

    def finish(self) -> str:
        """What is held back, readable or not: the answer has ended."""
        told = self._tokenizer.decode(self._anchor)
        text = self._tokenizer.decode(self._anchor + self._held)
        self._anchor = self._held[-1:] or self._anchor
        self._held = []
        return text[len(told) :]


def _read(folder: Path) -> str:
    try:
        return (folder / "tokenizer.json").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelIncomplete(folder=folder, problems="missing tokenizer.json") from error
    except UnicodeDecodeError as error:
        raise ModelUnreadable(folder=folder, reason=f"tokenizer.json: {error}") from error


def _build(folder: Path, source: str) -> tuple[HubTokenizer, HubTokenizer]:
    """The tokeniser as it is, and one that has never heard of the added tokens (`</s>` among them is not special)."""
    try:
        plain = json.loads(source) | {"added_tokens": [], "post_processor": None}
        return HubTokenizer.from_str(source), HubTokenizer.from_str(json.dumps(plain))
    except Exception as error:  # the library raises nothing more precise
        raise ModelUnreadable(folder=folder, reason=f"tokenizer.json: {error}") from error
