"""Where a model's files are, and how its weights are read: safetensors only, one tensor at a time."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from inference_worker.errors import ModelIncomplete, ModelNotFound, ModelUnreadable
from inference_worker.model.config import ModelConfig, read_config
from inference_worker.model.hub import fetch_from_hub
from inference_worker.model.phi3v import Phi3V

Progress = Callable[[int, int], None]  # bytes done, bytes in all
Layout = Callable[[str, nn.Linear], nn.Module]  # a linear layer and its name, to what shall run in its place

TINY = Path(__file__).parent / "tiny"  # ships with the package

TOWER = "model.vision_embed_tokens.img_processor.vision_model."  # what the names of the tower's weights begin with

# On the hub, but never read: the tower's last norm (features are read before it), a second name of the embedding
# table, and tables that old versions of transformers stored. The tower's unused layers are told by their number.
_UNUSED = {
    "model.vision_embed_tokens.wte.weight",
    f"{TOWER}post_layernorm.weight",
    f"{TOWER}post_layernorm.bias",
    f"{TOWER}embeddings.position_ids",
}
_TOWER_LAYERS = f"{TOWER}encoder.layers."
_NAMED = 5  # problems told in full; a wrong config has hundreds


class StoredWeight(msgspec.Struct, frozen=True):
    """A tensor that is still in its file."""

    file: Path
    name: str
    shape: tuple[int, ...]

    def read(self, *, dtype: torch.dtype, device: torch.device | str) -> Tensor:
        """A copy of its own. The file is opened anew: mapped pages count as ours until it is closed."""
        with _open(self.file) as weights:
            stored: Tensor = weights.get_tensor(self.name)
            return stored.to(device=device, dtype=dtype, copy=True)


def find_checkpoint(name: str, *, progress: Progress | None = None) -> Path:
    """The folder of a model: `tiny` (built in), a folder, or a name on the Hugging Face hub.

    From the hub come safetensors and JSON only, into its usual cache.

    Raises:
        ModelNotFound: no such folder and no such name.
        ModelUnreadable: see `find_folder`.
        ModelUnreachable: the hub cannot be asked, and the files are not all here.
    """
    folder = find_folder(name)
    if folder is not None:
        return folder
    check_hub_name(name)
    return fetch_from_hub(name, progress=progress)


def find_folder(name: str) -> Path | None:
    """The folder of `tiny`, or the one that is named; None where there is none.

    Raises:
        ModelUnreadable: it lies where we may not look.
    """
    if name == "tiny":
        return TINY
    folder = Path(name).expanduser()
    try:
        return folder if name and folder.is_dir() else None
    except OSError as error:
        raise ModelUnreadable(folder=folder, reason=error.strerror) from error


def check_hub_name(name: str) -> None:
    """Whether it can be one; nobody is asked.

    Raises:
        ModelNotFound: it is the path of a folder that is not there, or a slip.
    """
    owner, _, model = name.partition("/")
    if not owner.strip(".~") or not model or "/" in model:
        raise ModelNotFound(name=name, reason="a name there is owner/model")


def load_model(
    folder: Path,
    *,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
    layout: Layout | None = None,
    progress: Progress | None = None,
) -> Phi3V:
    """The model in `folder`, ready to run, its weights in `dtype` on `device`.

    Each tensor goes from its file to its place, and each linear layer to its `layout`, before the next is read, so
    memory stays near the size of the weights as loaded. `progress` is called after each.

    Raises:
        ModelIncomplete: a file or a weight is missing, left over, or of the wrong shape.
        ModelUnreadable: a file is damaged or not ours to read, or there are only pickles, which can run code when they
            are opened.
        ModelUnsupported: see `read_config`.
    """
    config = read_config(folder)
    with torch.device("meta"):
        model = Phi3V(config)
    stored = {weight.name: weight for weight in _stored_weights(folder) if _is_used(weight.name, config)}
    expected = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    if config.tied:
        del expected["lm_head.weight"]
        stored.pop("lm_head.weight", None)
    _check(folder, stored, expected)

    total = sum(weight.numel() for weight in model.parameters()) * dtype.itemsize
    done = 0
    for name, weight in stored.items():
        tensor = weight.read(dtype=dtype, device=device)
        _place(model, name, tensor)
        if layout is not None:
            _lay_out(model, name, layout)
        done += tensor.nbytes
        if progress is not None:
            progress(done, total)
    if config.tied:
        model.lm_head.weight = model.model.embed_tokens.weight
    model.rope.to(device)
    return model.eval()


def count_parameters(folder: Path) -> int:
    """Numbers in the weights on disk, those included that the model's own code leaves unread."""
    return sum(math.prod(weight.shape) for weight in _stored_weights(folder))


def _stored_weights(folder: Path) -> Iterable[StoredWeight]:
    for file in _weight_files(folder):
        with _open(file) as weights:
            for name in weights.keys():  # noqa: SIM118  (a safetensors file is no mapping)
                yield StoredWeight(file, name, tuple(weights.get_slice(name).get_shape()))


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        files = sorted(folder / name for name in _shards(index))
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise ModelIncomplete(folder=folder, problems=f"missing {_some(missing)}")
        return files
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    pickles = sorted(file.name for kind in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in folder.glob(kind))
    if pickles:
        raise ModelUnreadable(
            folder=folder,
            reason=f"{_some(pickles)} can run code when opened; only safetensors files are read",
        )
    raise ModelIncomplete(folder=folder, problems="missing model.safetensors")


def _shards(index: Path) -> set[str]:
    class Index(msgspec.Struct):
        weight_map: dict[str, str]

    try:
        return set(msgspec.json.decode(index.read_bytes(), type=Index).weight_map.values())
    except OSError as error:
        raise ModelUnreadable(folder=index.parent, reason=f"{index.name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelUnreadable(folder=index.parent, reason=f"{index.name}: {error}") from error


def _open(file: Path) -> Any:
    """A safetensors file, mapped. The library has no types."""
    try:
        file.open("rb").close()  # of any that it cannot open the library says that it is not there
        return safe_open(file, "pt")
    except OSError as error:  # the library's own have words only
        raise ModelUnreadable(folder=file.parent, reason=f"{file.name}: {error.strerror or error}") from error
    except SafetensorError as error:
        raise ModelUnreadable(folder=file.parent, reason=f"{file.name} is damaged: {error}") from error


def _is_used(name: str, config: ModelConfig) -> bool:
    if name.startswith(_TOWER_LAYERS):
        return int(name.removeprefix(_TOWER_LAYERS).partition(".")[0]) < config.tower_layers
    return name not in _UNUSED


def _check(folder: Path, stored: Mapping[str, StoredWeight], expected: Mapping[str, tuple[int, ...]]) -> None:
    """All problems at once, before a byte is read."""
    missing = [name for name in expected if name not in stored]
    left_over = [name for name in stored if name not in expected]
    wrong = [
        f"{name} {list(weight.shape)} instead of {list(expected[name])}"
        for name, weight in stored.items()
        if name in expected and weight.shape != expected[name]
    ]
    kinds = {"missing": missing, "left over": left_over, "of the wrong shape": wrong}
    problems = "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds.items() if names)
    if problems:
        raise ModelIncomplete(folder=folder, problems=problems)


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _place(model: nn.Module, name: str, tensor: Tensor) -> None:
    module, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(module), attribute, nn.Parameter(tensor, requires_grad=False))


def _lay_out(model: nn.Module, name: str, layout: Layout) -> None:
    """Once a linear layer has all its tensors, what `layout` makes of it takes its place."""
    layer, _, _ = name.rpartition(".")
    linear = model.get_submodule(layer)
    if isinstance(linear, nn.Linear) and not any(tensor.is_meta for tensor in linear.parameters()):
        parent, _, attribute = layer.rpartition(".")
        setattr(model.get_submodule(parent), attribute, layout(layer, linear))
