"""The machine: what computes, and how much room there is."""

import importlib.util
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inference_worker.settings import WorkerSettings
from threadsight.doctor.finding import Finding, fail, warn, well

GB = 1e9
LITTLE_DISK_GB = 5.0  # two days of a busy bot's pictures and the log
NO_DISK_GB = 0.5


def examine_torch(settings: WorkerSettings) -> Iterator[Finding]:
    """What the native engine computes with."""
    if settings.engine != "native":
        return
    if importlib.util.find_spec("torch") is None:
        advice = "pip install 'threadsight[worker]', unless another machine runs the worker"
        yield warn("Torch", "not installed", advice)
        return
    import torch  # noqa: PLC0415 - takes a second

    yield well("Torch", str(torch.__version__))
    if torch.cuda.is_available():
        found = torch.cuda.get_device_properties(0)
        yield well("GPU", f"{found.name}, {found.total_memory / GB:.0f} GB")
        yield _examine_flash_attention()
    elif settings.device == "cuda":
        advice = f"{_how_to_find_a_gpu()}; or set WORKER_DEVICE=auto (containers: COMPOSE_PROFILES=cpu)"
        yield fail("GPU", "none found, and WORKER_DEVICE is cuda", advice)
    elif settings.model == "tiny":
        yield well("GPU", "none; the built-in model needs none")
    else:
        advice = f"run the worker on a machine with an NVIDIA GPU; where there is one, {_how_to_find_a_gpu()}"
        yield warn("GPU", "none found: the first word about a picture takes the better part of a minute", advice)


def _how_to_find_a_gpu() -> str:
    import torch  # noqa: PLC0415 - as above

    if torch.version.cuda is None:
        return "install a torch with CUDA"
    return f"install the NVIDIA driver: it may be missing, or older than CUDA {torch.version.cuda}"


def _examine_flash_attention() -> Finding:
    """As `inference_worker.engine.backends` chooses: version 3, by its own module, on Hopper; else version 2."""
    import torch  # noqa: PLC0415 - as above

    from inference_worker.engine.backends import HOPPER  # noqa: PLC0415

    capability, _ = torch.cuda.get_device_capability()
    if capability == HOPPER and importlib.util.find_spec("flash_attn_interface") is not None:
        return well("flash-attn", "version 3")
    try:
        # Not by its folder: flash-attn 4 alone has that, and none of the functions.
        return well("flash-attn", version("flash-attn"))
    except PackageNotFoundError:
        advice = "for more speed: pip install 'flash-attn>=2.8' --no-build-isolation"
        return warn("flash-attn", "not installed; torch's own attention is used", advice)


def examine_disk(home: Path) -> Iterator[Finding]:
    """Room for the queue, the pictures and the log."""
    standing = next(folder for folder in (home, *home.parents) if folder.exists())
    free_gb = shutil.disk_usage(standing).free / GB
    found = f"{free_gb:.1f} GB free for {home}"
    if free_gb < NO_DISK_GB:
        yield fail("Disk", found, "make room, or set THREADSIGHT_HOME to another disk")
    elif free_gb < LITTLE_DISK_GB:
        yield warn("Disk", found, "make room, or set THREADSIGHT_HOME to another disk")
    else:
        yield well("Disk", found)
