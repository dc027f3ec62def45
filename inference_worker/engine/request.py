"""What is asked of the engine, and what it says back. No jobs, no Redis, no text: token ids and picture slots."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal

import msgspec

from inference_worker.image.processor import Crops


class PictureKey(msgspec.Struct, frozen=True, kw_only=True):
    """A picture's features: whose they are, of which bytes, and how finely it was cut."""

    tenant: str
    digest: str
    max_crops: int

    @property
    def slot_id(self) -> int:
        """A negative id that stands in the prompt for every position of this picture.

        62 bits of a hash, so that the token-exact prefix comparison covers pictures too, in any process.
        """
        name = f"{self.tenant} {self.digest} {self.max_crops}".encode()
        return -1 - (int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 2)


class PictureSlot(msgspec.Struct, frozen=True, kw_only=True):
    """Positions `start` to `stop` of a prompt belong to one picture."""

    start: int
    stop: int
    key: PictureKey


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """Token ids, with each slot filled by its picture's `slot_id`."""

    ids: tuple[int, ...]
    slots: tuple[PictureSlot, ...] = ()


class SamplingParams(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn. `temperature` 0 is greedy, and so is less than 1e-5; the same `seed` gives the same answer again."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 1000
    seed: int = 0
    stop_ids: frozenset[int] = frozenset()


class ConversationKey(msgspec.Struct, frozen=True, kw_only=True):
    """Whose cache it is. A forgotten conversation comes back under a higher epoch and finds nothing.

    Conversations of one `tenant` copy what their prompts have in common from each other's caches.
    """

    name: str
    epoch: int = 0
    tenant: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to generate.

    `load_crops` is called from the engine's thread, for each picture whose features are neither cached nor covered by
    the resident prefix, again where they were dropped before they were used, and must not block. `resident` False leaves the conversation's cache alone.
    """

    id: str
    conversation: ConversationKey
    resident: bool = True
    prompt: Prompt
    sampling: SamplingParams
    load_crops: Callable[[PictureKey], "Future[Crops]"]


FinishReason = Literal["stop", "length"]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One more token of an answer. `cached_tokens` of the prompt were not computed again."""

    request_id: str
    token_id: int
    cached_tokens: int


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is whole: a stop id was drawn, or the maximum (or the model's context) is reached."""

    request_id: str
    reason: FinishReason
    cached_tokens: int


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The answer cannot be had: a picture could not be loaded, or the engine broke."""

    request_id: str
    error: BaseException


Output = Token | Finished | Failure
