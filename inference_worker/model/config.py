"""Every size of a model, read from the files of its folder. No number of an architecture stands anywhere else."""

import math
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from inference_worker.errors import ModelIncomplete, ModelUnreadable, ModelUnsupported
from inference_worker.image.processor import ImageConfig


class TowerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The vision tower, a CLIP ViT. The defaults are openai/clip-vit-large-patch14-336: the real configs leave it out."""

    hidden_size: int = 1024
    intermediate_size: int = 4096
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    image_size: int = 336  # pixels
    patch_size: int = 14  # pixels
    layer_norm_eps: float = 1e-5
    hidden_act: Literal["quick_gelu"] = "quick_gelu"

    @property
    def patches_per_side(self) -> int:
        """Patches along one side of a crop."""
        return self.image_size // self.patch_size


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of one phi3_v model."""

    # The decoder.
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    rms_norm_eps: float
    tied: bool  # the output layer is the embedding table
    # Positions.
    max_position_embeddings: int
    original_max_position_embeddings: int  # trained without scaling; beyond it the long factors apply
    rope_theta: float
    short_factor: tuple[float, ...] | None  # head_dim/2 each; both or neither
    long_factor: tuple[float, ...] | None
    attention_factor: float  # cos and sin are multiplied by it
    # Pictures.
    image: ImageConfig
    tower: TowerConfig
    tower_layers: int  # how many of the tower's layers are run; the features are their output
    # Generation.
    stop_ids: frozenset[int]

    def kv_bytes_per_token(self, itemsize: int) -> int:
        """Keys and values of one position in every layer: 393,216 bytes for the real models in bf16 (2 bytes each)."""
        return 2 * self.layers * self.kv_heads * self.head_dim * itemsize


def read_config(folder: Path) -> ModelConfig:
    """The config of the model in `folder`.

    From `config.json`, and where they are there `preprocessor_config.json`, `generation_config.json` and
    `tokenizer.json` (the ids that end a turn).

    Raises:
        ModelIncomplete: there is no `config.json`.
        ModelUnreadable: a file is not ours to read or no JSON, or a field is absent or of the wrong type.
        ModelUnsupported: another architecture, or a variant that nothing here computes.
    """
    hub = _read(folder / "config.json", _HubConfig)
    if hub is None:
        raise ModelIncomplete(folder=folder, problems="there is no config.json")
    reason = _unsupported(hub)
    if reason:
        raise ModelUnsupported(folder=folder, reason=reason)
    pictures = _read(folder / "preprocessor_config.json", _Preprocessing) or _Preprocessing()
    tower = hub.img_processor.vision_config
    crop_size = hub.img_processor.crop_size or pictures.crop_size or tower.image_size
    rope = hub.rope_scaling
    return ModelConfig(
        hidden_size=hub.hidden_size,
        layers=hub.num_hidden_layers,
        heads=hub.num_attention_heads,
        kv_heads=hub.num_key_value_heads or hub.num_attention_heads,
        head_dim=hub.hidden_size // hub.num_attention_heads,
        intermediate_size=hub.intermediate_size,
        vocab_size=hub.vocab_size,
        rms_norm_eps=hub.rms_norm_eps,
        tied=hub.tie_word_embeddings,
        max_position_embeddings=hub.max_position_embeddings,
        original_max_position_embeddings=hub.original_max_position_embeddings,
        rope_theta=hub.rope_theta,
        short_factor=rope.short_factor if rope else None,
        long_factor=rope.long_factor if rope else None,
        attention_factor=_attention_factor(hub),
        image=ImageConfig(
            crop_size=crop_size,
            tokens_per_side=crop_size // tower.patch_size // 2,  # 2 x 2 patches make one position
            num_crops=pictures.num_crops,
            mean=pictures.image_mean,
            std=pictures.image_std,
        ),
        tower=msgspec.structs.replace(tower, image_size=crop_size),
        tower_layers=_tower_layers(hub.img_processor),
        stop_ids=_stop_ids(hub, folder),
    )


# ---------------------------------------------------------------- the hub's files, as they are written


class _RopeScaling(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["su", "longrope", "yarn"]  # "su" and "longrope" are two names of one thing
    short_factor: tuple[float, ...]
    long_factor: tuple[float, ...]


class _ImgProcessor(msgspec.Struct, frozen=True, kw_only=True):
    vision_config: TowerConfig = TowerConfig()
    crop_size: int | None = None
    layer_idx: int = -2
    type_feature: str = "patch"


class _EmbdLayer(msgspec.Struct, frozen=True, kw_only=True):
    """The reference knows other values; no published model has them."""

    hd_transform_order: str = "sub_glb"
    projection_cls: str = "mlp"
    use_hd_transform: bool = True
    with_learnable_separator: bool = True


class _HubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`config.json`; the defaults are those of the reference's `Phi3VConfig`."""

    model_type: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    vocab_size: int
    num_key_value_heads: int | None = None
    hidden_act: str = "silu"
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = False
    max_position_embeddings: int = 4096
    original_max_position_embeddings: int = 4096
    rope_theta: float = 10000.0
    rope_scaling: _RopeScaling | None = None
    img_processor: _ImgProcessor = _ImgProcessor()
    embd_layer: _EmbdLayer = _EmbdLayer()
    eos_token_id: int | tuple[int, ...] = ()


class _Preprocessing(msgspec.Struct, frozen=True, kw_only=True):
    """`preprocessor_config.json`; mean and deviation default to CLIP's."""

    num_crops: int = 4
    crop_size: int | None = None
    image_mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    image_std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)


class _Generation(msgspec.Struct, frozen=True, kw_only=True):
    eos_token_id: int | tuple[int, ...] = ()


class _AddedToken(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    content: str


class _AddedTokens(msgspec.Struct, frozen=True, kw_only=True):
    added_tokens: tuple[_AddedToken, ...] = ()


_File = TypeVar("_File", bound=msgspec.Struct)

# The configs name only `</s>`, which the chat models do not write: they end a turn with `<|end|><|endoftext|>`.
_TURN_ENDS = {"<|end|>", "<|endoftext|>", "<|assistant|>"}


def _read(path: Path, kind: type[_File]) -> _File | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelUnreadable(folder=path.parent, reason=f"{path.name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelUnreadable(folder=path.parent, reason=f"{path.name}: {error}") from error


def _unsupported(hub: _HubConfig) -> str:
    """Why nothing here computes this model; empty if it does."""
    expected: dict[str, tuple[Any, Any]] = {
        "model_type": (hub.model_type, "phi3_v"),
        "hidden_act": (hub.hidden_act, "silu"),
        "embd_layer": (hub.embd_layer, _EmbdLayer()),
        "type_feature": (hub.img_processor.type_feature, "patch"),
    }
    wrong = [f"{name} is {found}, not {right}" for name, (found, right) in expected.items() if found != right]
    half = hub.hidden_size // hub.num_attention_heads // 2
    rope = hub.rope_scaling
    if rope and {len(rope.short_factor), len(rope.long_factor)} != {half}:
        wrong.append(f"rope_scaling has {len(rope.short_factor)} and {len(rope.long_factor)} factors, not {half}")
    return "; ".join(wrong)


def _attention_factor(hub: _HubConfig) -> float:
    """What longrope adds to the scores of a longer context (arXiv 2402.13753); for short and long factors alike."""
    ratio = hub.max_position_embeddings / hub.original_max_position_embeddings
    if hub.rope_scaling is None or ratio <= 1:
        return 1.0
    if hub.rope_scaling.type == "yarn":
        return 0.1 * math.log(ratio) + 1.0
    return math.sqrt(1 + math.log(ratio) / math.log(hub.original_max_position_embeddings))


def _tower_layers(img: _ImgProcessor) -> int:
    """`layer_idx` counts hidden states, of which there is one more than layers: -2 leaves out the last layer."""
    layers = img.vision_config.num_hidden_layers
    return img.layer_idx if img.layer_idx >= 0 else layers + 1 + img.layer_idx


def _stop_ids(hub: _HubConfig, folder: Path) -> frozenset[int]:
    generation = _read(folder / "generation_config.json", _Generation) or _Generation()
    tokens = _read(folder / "tokenizer.json", _AddedTokens) or _AddedTokens()
    ends = {token.id for token in tokens.added_tokens if token.content in _TURN_ENDS}
    for eos in (hub.eos_token_id, generation.eos_token_id):
        ends.update([eos] if isinstance(eos, int) else eos)
    return frozenset(ends)
