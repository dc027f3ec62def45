"""Picture features: fetched, encoded a few layers at a time, and cached under a byte budget."""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future

import torch
from torch import Tensor

from inference_worker.engine.request import ConversationKey, PictureKey
from inference_worker.image.processor import Crops
from inference_worker.model.phi3v import Phi3V

SLICE_S = 0.15  # of encoding in one step while somebody decodes: see `pace`
IDLE_SLICE_S = 1.0  # while nobody does: a Stop, and another's question, wait no longer


class PictureFeatures:
    """Features by picture, least recently used dropped first. Who uses one is known, so that forgetting is exact."""

    def __init__(self, model: Phi3V, *, budget_bytes: int, crops_at_once: int, on_arrival: Callable[[], None]) -> None:
        self._model = model
        self._budget_bytes = budget_bytes
        # On a CPU more than one picture's crops are no faster together, and the first picture is ready later.
        self._crops_at_once = crops_at_once if model.device.type != "cpu" else 1
        self._on_arrival = on_arrival  # called from any thread
        self._users: dict[PictureKey, set[ConversationKey]] = {}
        self._loading: dict[PictureKey, Future[Crops]] = {}
        self._encoding: tuple[list[PictureKey], Generator[None, None, list[Tensor]]] | None = None
        self._cached: OrderedDict[PictureKey, Tensor] = OrderedDict()  # each (tokens, hidden)

    @property
    def size_bytes(self) -> int:
        """Memory held by cached features."""
        return sum(features.nbytes for features in self._cached.values())

    @property
    def has_work(self) -> bool:
        """Whether the next step has something to do here: a picture is half encoded, or has arrived and waits for that."""
        return self._encoding is not None or any(future.done() for future in self._loading.values())

    def get(self, key: PictureKey, conversation: ConversationKey) -> Tensor | None:
        """The features (tokens, hidden) for a conversation that shows this picture, if they are there."""
        features = self._cached.get(key)
        if features is not None:
            self._cached.move_to_end(key)
            self._users[key].add(conversation)
        return features

    def request(
        self, key: PictureKey, conversation: ConversationKey, load: Callable[[PictureKey], "Future[Crops]"]
    ) -> None:
        """Have the picture loaded and encoded soon, if that is not under way."""
        self._users.setdefault(key, set()).add(conversation)
        encoding = self._encoding[0] if self._encoding else []
        if key not in self._loading and key not in encoding:
            self._loading[key] = load(key)
            self._loading[key].add_done_callback(lambda _: self._on_arrival())

    def encode_arrived(self, *, beside_decode: bool) -> dict[PictureKey, BaseException]:
        """Encode pictures whose crops have come; the ones that could not be loaded.

        Pictures of several requests go through the tower together, for a slice of time: the rest of the layers follows
        in the next steps.
        """
        # Others come in meanwhile, from any thread: their turn is in the next step.
        arrived = [key for key, future in self._loading.items() if future.done()]
        failed = self._take_failed(arrived)
        self._encoding = self._encoding or self._begin([key for key in arrived if key in self._loading])
        if self._encoding is not None:
            keys, layers = self._encoding
            features = _run(layers, time_s=SLICE_S if beside_decode else IDLE_SLICE_S)
            if features is not None:
                self._encoding = None
                self._keep(dict(zip(keys, features, strict=True)))
        return failed

    def forget(self, name: str, epoch: int) -> None:
        """Drop what only this conversation used, under epochs older than `epoch`."""
        for key, users in list(self._users.items()):
            users -= {user for user in users if user.name == name and user.epoch < epoch}
            if not users:
                del self._users[key]
                self._cached.pop(key, None)

    def clear(self) -> None:
        """Drop everything (the model's state cannot be trusted any more)."""
        self._cached.clear()
        self._users.clear()
        self._loading.clear()
        self._encoding = None

    def check_integrity(self) -> None:
        """Everything cached is used by somebody, and the budget holds."""
        assert self._cached.keys() <= self._users.keys()
        assert self.size_bytes <= self._budget_bytes or len(self._cached) == 1

    def _take_failed(self, arrived: Sequence[PictureKey]) -> dict[PictureKey, BaseException]:
        failed: dict[PictureKey, BaseException] = {}
        for key in arrived:
            future = self._loading[key]
            error = future.exception() if not future.cancelled() else None
            if error is not None or future.cancelled():
                del self._loading[key]
                self._users.pop(key, None)
            if error is not None:
                failed[key] = error
        return failed

    def _begin(
        self, arrived: Sequence[PictureKey]
    ) -> tuple[list[PictureKey], Generator[None, None, list[Tensor]]] | None:
        """Start on what has come whole, as many pictures as go through the tower together."""
        chosen: dict[PictureKey, Crops] = {}
        room = self._crops_at_once
        for key in arrived:
            crops = self._loading[key].result()
            if not chosen or crops.tiling.crops <= room:
                chosen[key] = crops
                room -= crops.tiling.crops
        for key in chosen:
            del self._loading[key]
        if not chosen:
            return None
        pixels = torch.cat([crops.pixels for crops in chosen.values()])  # (crops of all, 3, S, S)
        return list(chosen), self._model.encode_steps(pixels, [crops.tiling for crops in chosen.values()])

    def _keep(self, fresh: dict[PictureKey, Tensor]) -> None:
        """Cache them, but for those that were forgotten meanwhile; the least recently used make room."""
        # Each in memory of its own: what is dropped is free then, whoever went through the tower beside it.
        self._cached.update({key: features.clone() for key, features in fresh.items() if key in self._users})
        while self.size_bytes > self._budget_bytes and len(self._cached) > 1:
            key, _ = self._cached.popitem(last=False)
            del self._users[key]


@torch.inference_mode()
def _run(layers: Generator[None, None, list[Tensor]], *, time_s: float) -> list[Tensor] | None:
    """Run layers until all are done, or until the time is over (None); at least one."""
    until = time.monotonic() + time_s
    try:
        next(layers)
        while time.monotonic() < until:
            next(layers)
    except StopIteration as done:
        features: list[Tensor] = done.value
        return features
    return None
