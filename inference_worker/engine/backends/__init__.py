"""The ways of keeping and attending to keys and values, and which of them suits a machine."""

import structlog
import torch

from inference_worker.engine.backend import Backend
from inference_worker.engine.backends.contiguous import ContiguousBackend
from inference_worker.engine.backends.flash2 import Flash2Kernel
from inference_worker.engine.backends.flash3 import Flash3Kernel
from inference_worker.engine.backends.gather import GatherKernel
from inference_worker.engine.backends.paged import Kernel, PagedBackend
from inference_worker.engine.paged_cache import BlockPool
from inference_worker.model.phi3v import Phi3V

log = structlog.get_logger()

LONGEST_HEAD = 256  # numbers, and a multiple of 8: both flash-attn's limits
AMPERE, HOPPER = 8, 9  # compute capability, major; flash-attn 2 needs the one, 3 is written for the other


def choose_kernel(device: torch.device, dtype: torch.dtype, head_dim: int) -> Kernel | None:
    """What attends fastest on this device; None on a CPU, where memory is contiguous and nothing is paged.

    A library that is installed and cannot be loaded (built for another torch, say, or without a module that it needs)
    is told in the log and passed over.
    """
    if device.type != "cuda":
        return None
    capability, _ = torch.cuda.get_device_capability(device)
    suits_flash = dtype in (torch.bfloat16, torch.float16) and head_dim <= LONGEST_HEAD and head_dim % 8 == 0
    kinds: list[type[Flash2Kernel | Flash3Kernel]] = []
    if suits_flash and capability == HOPPER:
        kinds.append(Flash3Kernel)
    if suits_flash and capability >= AMPERE:
        kinds.append(Flash2Kernel)
    for kind in kinds:
        try:
            return kind()
        except (ImportError, OSError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name == kind.library:
                continue  # it is not installed
            log.warning("attention library cannot be loaded", library=kind.__name__, reason=str(error))
    return GatherKernel()


def build_backend(model: Phi3V, kernel: Kernel | None, *, budget_bytes: int) -> Backend:
    """The memory for all conversations, and who attends to it. With a `kernel` all of it is taken now."""
    if kernel is None:
        return ContiguousBackend(model)
    pool = BlockPool(model.config, budget_bytes=budget_bytes, dtype=model.dtype, device=model.device)
    return PagedBackend(pool, kernel)
