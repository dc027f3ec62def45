"""What this machine can carry: the device, the number format, and how much memory the caches may take."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
import torch

from inference_worker.engine.paged_cache import BLOCK_SIZE
from inference_worker.errors import CachesTooLarge, CachesTooSmall, GpuMissing, ModelTooLarge, TorchWithoutCuda
from inference_worker.model.checkpoint import Layout
from inference_worker.model.int8 import quantize_decoder
from inference_worker.model.packed import can_pack, pack
from inference_worker.model.phi3v import Phi3V
from inference_worker.settings import GIB, WorkerSettings

OWN_CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
SMALL_CHECKPOINT_BYTES = GIB  # below, float32 costs nothing worth saving
INT8_SHARE = 3.62 / 4.15  # of a real model's weights, which are in the decoder's layers, are held in one byte
CPU_KV_SHARE = 0.25  # of the memory free when the model is loaded: other programs live here too
GPU_KV_SHARE = 0.85  # the rest is for activations
LEAST_CONTEXT = 2048  # tokens: a picture, a question and an answer


def choose_device(settings: WorkerSettings) -> torch.device:
    """As asked for, else the GPU when there is one.

    Raises:
        GpuMissing, TorchWithoutCuda: it is asked for, and there is none.
    """
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise GpuMissing(cuda=torch.version.cuda) if torch.version.cuda else TorchWithoutCuda(torch=torch.__version__)
    return torch.device(settings.device)


def choose_dtype(settings: WorkerSettings, device: torch.device, folder: Path) -> torch.dtype:
    """bfloat16, in which the models were trained; float32 for a small model on a CPU."""
    if settings.dtype != "auto":
        chosen: torch.dtype = getattr(torch, settings.dtype)
        return chosen
    small = weight_bytes(folder) < SMALL_CHECKPOINT_BYTES
    return torch.float32 if device.type == "cpu" and small else torch.bfloat16


def choose_layout(settings: WorkerSettings, device: torch.device, dtype: torch.dtype) -> Layout | None:
    """How linear layers are held: as asked for, else as this processor multiplies fastest."""
    packs = can_pack(device, dtype)
    if settings.weights == "int8":
        rest = pack if packs else None
        return lambda name, linear: quantize_decoder(name, linear, rest=rest)
    return pack if packs else None


def choose_threads(settings: WorkerSettings, folder: Path) -> int:
    """CPU threads for torch: all it finds, but one for a small model, whose threads only wait for each other."""
    return settings.threads or (1 if weight_bytes(folder) < SMALL_CHECKPOINT_BYTES else torch.get_num_threads())


def weight_bytes(folder: Path) -> int:
    """The size of the weights on disk."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def free_bytes(device: torch.device) -> int:
    """Memory free on the device now."""
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what loading has left behind is free, too
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    available: int = psutil.virtual_memory().available  # what the page cache would give back counts as free
    return min([available, *_room_in_cgroups()])


def _room_in_cgroups() -> Iterator[int]:
    """Bytes that the limits of a container or a service leave: its own cgroup's, and those of the cgroups around it.

    `memory.current` counts the page cache, weights that were read before among it, which is given back when memory is
    wanted (https://docs.kernel.org/admin-guide/cgroup-v2.html).
    """
    with suppress(OSError, ValueError):  # no Linux, or version 1
        mine = re.search(r"^0::/(.*)$", OWN_CGROUP.read_text(), re.MULTILINE)
        own = CGROUPS / (mine[1] if mine else "")
        for folder in (own, *own.parents):
            if (limit := folder / "memory.max").exists() and (most := limit.read_text().strip()) != "max":
                cache = re.findall(r"^(?:in)?active_file (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
                used = int((folder / "memory.current").read_text()) - sum(map(int, cache))
                yield max(0, int(most) - used)


def check_fit(settings: WorkerSettings, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
    """Before minutes are spent on loading.

    Raises:
        ModelTooLarge: the weights alone do not fit.
    """
    in_a_byte = INT8_SHARE if settings.weights == "int8" else 0.0
    weights = weight_bytes(folder) / 2  # published in 16 bits
    needed = weights * (in_a_byte + (1 - in_a_byte) * dtype.itemsize)
    free = free_bytes(device)
    if needed > free:
        raise ModelTooLarge(needed_gb=needed / 1e9, free_gb=free / 1e9, device=str(device))


def kv_budget_bytes(settings: WorkerSettings, device: torch.device) -> int:
    """Memory for the conversations' caches, once the model is loaded: what pictures' features take is not theirs.

    Raises:
        CachesTooLarge: as much as is asked for is not free.
    """
    free = free_bytes(device)
    if settings.kv_gb:
        if settings.kv_gb * 1e9 > free:
            raise CachesTooLarge(kv_gb=settings.kv_gb, free_gb=free / 1e9, device=device.type)
        return int(settings.kv_gb * 1e9)
    share = GPU_KV_SHARE if device.type == "cuda" else CPU_KV_SHARE
    return max(0, int((free - settings.features_gb * 1e9) * share))


def choose_context(settings: WorkerSettings, model: Phi3V, budget_bytes: int) -> int:
    """Tokens of the longest conversation: as asked for, what the model was made for, and what `budget_bytes` hold.

    Raises:
        ModelTooLarge, CachesTooSmall: beside the weights there is no room for one short conversation.
    """
    wanted = min(settings.context, model.config.max_position_embeddings)
    granule = BLOCK_SIZE if model.device.type == "cuda" else 1  # there, memory comes in blocks
    held = budget_bytes // (granule * model.kv_bytes_per_token) * granule
    least = min(wanted, LEAST_CONTEXT)
    if held < least:
        needed_gb = least * model.kv_bytes_per_token / 1e9
        if settings.kv_gb:
            raise CachesTooSmall(kv_gb=settings.kv_gb, needed_gb=needed_gb)
        raise ModelTooLarge(
            needed_gb=needed_gb, free_gb=budget_bytes / 1e9, device=f"{model.device} beside its weights"
        )
    return min(wanted, held)
