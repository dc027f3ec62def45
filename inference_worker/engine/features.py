"""Picture features: fetched, encoded a few crops at a time, and cached under a byte budget."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

import torch
from torch import Tensor

from inference_worker.engine.request import ConversationKey, PictureKey
from inference_worker.image.processor import Crops
from inference_worker.model.phi3v import Phi3V


class PictureFeatures:
    """Features by picture, least recently used dropped first. Who uses one is known, so that forgetting is exact."""

    def __init__(self, model: Phi3V, *, budget_bytes: int, crops_per_step: int, on_arrival: Callable[[], None]) -> None:
        self._on_arrival = on_arrival  # called from any thread
        self._model = model
        self._budget_bytes = budget_bytes
        self._crops_per_step = crops_per_step
        self._cached: OrderedDict[PictureKey, Tensor] = OrderedDict()  # each (tokens, hidden)
        self._users: dict[PictureKey, set[ConversationKey]] = {}
        self._loading: dict[PictureKey, Future[Crops]] = {}

    @property
    def size_bytes(self) -> int:
        """Memory held by cached features."""
        return sum(features.nbytes for features in self._cached.values())

    @property
    def is_loading(self) -> bool:
        """Whether any picture is on its way."""
        return bool(self._loading)

    def get(self, key: PictureKey, conversation: ConversationKey) -> Tensor | None:
        """The features (tokens, hidden) for a conversation that shows this picture, if they are there."""
        features = self._cached.get(key)
        if features is not None:
            self._cached.move_to_end(key)
            self._users.setdefault(key, set()).add(conversation)
        return features

    def request(self, key: PictureKey, load: Callable[[PictureKey], "Future[Crops]"]) -> None:
        """Have the picture loaded and encoded soon, if that is not under way."""
        if key not in self._loading:
            self._loading[key] = load(key)
            self._loading[key].add_done_callback(lambda _: self._on_arrival())

    def encode_arrived(self) -> dict[PictureKey, BaseException]:
        """Encode pictures whose crops have come, up to the step's share; the ones that could not be loaded."""
        failed: dict[PictureKey, BaseException] = {}
        arrived: dict[PictureKey, Crops] = {}
        room = self._crops_per_step
        for key, future in list(self._loading.items()):
            if not future.done() or room <= 0:
                continue
            del self._loading[key]
            if future.cancelled():
                continue  # whoever wanted it is gone; anybody else asks again
            error = future.exception()
            if error is not None:
                failed[key] = error
                continue
            arrived[key] = future.result()
            room -= arrived[key].pixels.shape[0]
        self._encode(arrived)
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

    def check_integrity(self) -> None:
        """Users are recorded for cached pictures only, and the budget holds."""
        assert self._users.keys() <= self._cached.keys()
        assert self.size_bytes <= self._budget_bytes or len(self._cached) <= 1

    @torch.inference_mode()
    def _encode(self, arrived: dict[PictureKey, Crops]) -> None:
        if not arrived:
            return
        pixels = torch.cat([crops.pixels for crops in arrived.values()])  # (crops of all, 3, S, S)
        features = self._model.encode(pixels, [crops.tiling for crops in arrived.values()])
        self._cached.update(zip(arrived, features, strict=True))
        while self.size_bytes > self._budget_bytes and len(self._cached) > len(arrived):
            key, _ = self._cached.popitem(last=False)
            self._users.pop(key, None)
