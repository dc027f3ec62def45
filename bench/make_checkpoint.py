"""Writes a checkpoint of the phi3_v architecture with random weights, in the hub's layout, for measuring speed.

python bench/make_checkpoint.py mid DIR     LM 1024 wide, 12 layers, 16 heads, and the real vision tower (1.1 GB)
python bench/make_checkpoint.py real DIR    the true sizes (8.3 GB)

What it writes is noise; it costs exactly what the trained one would.
"""

import sys

sys.path.pop(0)  # this folder: its queue.py would stand in for the standard library's

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors
from torch import Tensor

SIZES = {
    "mid": {"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 16, "intermediate_size": 2816},
    "real": {"hidden_size": 3072, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 8192},
}
VOCABULARY = 32064
FIRST_SPECIAL = 32000
# Ids 32000 .. 32044 of the published tokenisers.
SPECIAL = [
    "<|endoftext|>",
    "<|assistant|>",
    *(f"<|placeholder{n}|>" for n in range(1, 5)),
    "<|system|>",
    "<|end|>",
    "<|placeholder5|>",
    "<|placeholder6|>",
    "<|user|>",
    *(f"<|placeholder{n}|>" for n in range(7, 40)),
    "<|image|>",
]
SWALLOWING = {"<|assistant|>", "<|image|>"}  # the white space that follows, as the placeholders do
TOWER = "model.vision_embed_tokens.img_processor.vision_model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    write_checkpoint(asked.folder, SIZES[asked.size], seed=asked.seed)
    print(f"{asked.folder}: {sum(file.stat().st_size for file in asked.folder.iterdir()) / 1e9:.2f} GB")


def write_checkpoint(folder: Path, sizes: dict[str, int], *, seed: int = 0) -> None:
    """Config, tokeniser and weights; one weight file for each decoder layer, so that memory stays small."""
    folder.mkdir(parents=True, exist_ok=True)
    config = build_config(sizes)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "preprocessor_config.json").write_text(json.dumps({"num_crops": 4, "num_img_tokens": 144}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2, "pad_token_id": 32000}))
    build_tokenizer().save(str(folder / "tokenizer.json"))
    draw = torch.Generator().manual_seed(seed)
    index: dict[str, str] = {}
    for number, shard in enumerate(_shards(config)):
        file = f"model-{number:05d}.safetensors"
        save_file({name: _noise(name, shape, draw) for name, shape in shard.items()}, folder / file)
        index |= dict.fromkeys(shard, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def build_config(sizes: dict[str, int]) -> dict[str, object]:
    half = sizes["hidden_size"] // sizes["num_attention_heads"] // 2
    return {
        "architectures": ["Phi3VForCausalLM"],
        "model_type": "phi3_v",
        "vocab_size": VOCABULARY,
        "num_key_value_heads": sizes["num_attention_heads"],
        "max_position_embeddings": 131072,
        "original_max_position_embeddings": 4096,
        "rope_theta": 10000.0,
        "rope_scaling": {
            "type": "su",
            "short_factor": [1.0 + 0.01 * n for n in range(half)],
            "long_factor": [1.0 + 1.5 * n for n in range(half)],
        },
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
        "img_processor": {"image_dim_out": 1024, "name": "clip_vision_model", "num_img_tokens": 144},
        "embd_layer": {
            "hd_transform_order": "sub_glb",
            "projection_cls": "mlp",
            "use_hd_transform": True,
            "with_learnable_separator": True,
        },
        **sizes,
    }


def build_tokenizer() -> Tokenizer:
    """The published tokeniser's habits over an alphabet of single characters: a token for each letter."""
    letters = [chr(code) for code in range(33, 127)]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *letters]
    pieces += [f"<unused{n}>" for n in range(FIRST_SPECIAL - len(pieces))]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: n for n, piece in enumerate(pieces)},
            merges=[],
            unk_token="<unk>",  # noqa: S106 - the name of a token
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in ("<unk>", "<s>")])
    tokenizer.add_special_tokens(
        [AddedToken(name, normalized=False, rstrip=name in SWALLOWING or "placeholder" in name) for name in SPECIAL]
    )
    assert tokenizer.token_to_id("<|user|>") == 32010, "the published id"  # noqa: PLR2004
    return tokenizer


def _shards(config: dict[str, object]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Names and shapes, as the hub has them: embeddings and tower, then the decoder layer by layer."""
    hidden, inner = int(str(config["hidden_size"])), int(str(config["intermediate_size"]))
    yield {
        "model.embed_tokens.weight": (VOCABULARY, hidden),
        "lm_head.weight": (VOCABULARY, hidden),
        "model.norm.weight": (hidden,),
        "model.vision_embed_tokens.glb_GN": (1, 1, 4096),
        "model.vision_embed_tokens.sub_GN": (1, 1, 1, 4096),
        "model.vision_embed_tokens.img_projection.0.weight": (hidden, 4096),
        "model.vision_embed_tokens.img_projection.0.bias": (hidden,),
        "model.vision_embed_tokens.img_projection.2.weight": (hidden, hidden),
        "model.vision_embed_tokens.img_projection.2.bias": (hidden,),
    }
    yield _tower_shapes()
    for layer in range(int(str(config["num_hidden_layers"]))):
        name = f"model.layers.{layer}"
        yield {
            f"{name}.input_layernorm.weight": (hidden,),
            f"{name}.post_attention_layernorm.weight": (hidden,),
            f"{name}.self_attn.qkv_proj.weight": (3 * hidden, hidden),
            f"{name}.self_attn.o_proj.weight": (hidden, hidden),
            f"{name}.mlp.gate_up_proj.weight": (2 * inner, hidden),
            f"{name}.mlp.down_proj.weight": (hidden, inner),
        }


def _tower_shapes() -> dict[str, tuple[int, ...]]:
    """CLIP ViT-L/14 at 336 pixels, all 24 layers, as published."""
    width, inner = 1024, 4096
    shapes: dict[str, tuple[int, ...]] = {
        f"{TOWER}.embeddings.class_embedding": (width,),
        f"{TOWER}.embeddings.patch_embedding.weight": (width, 3, 14, 14),
        f"{TOWER}.embeddings.position_embedding.weight": (577, width),
    }
    for norm in ("pre_layrnorm", "post_layernorm"):
        shapes |= {f"{TOWER}.{norm}.weight": (width,), f"{TOWER}.{norm}.bias": (width,)}
    for layer in range(24):
        name = f"{TOWER}.encoder.layers.{layer}"
        linears = {f"self_attn.{part}_proj": (width, width) for part in "qkv"}
        linears |= {"self_attn.out_proj": (width, width), "mlp.fc1": (inner, width), "mlp.fc2": (width, inner)}
        for part, shape in linears.items():
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
        for norm in ("layer_norm1", "layer_norm2"):
            shapes |= {f"{name}.{norm}.weight": (width,), f"{name}.{norm}.bias": (width,)}
    return shapes


def _noise(name: str, shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    """Norms that change nothing, and matrices that keep the size of what they are given."""
    if "norm" in name and name.endswith("weight"):
        return torch.ones(shape, dtype=torch.bfloat16)
    scale = 1 / math.sqrt(shape[-1]) if len(shape) > 1 else 0.02
    return torch.randn(shape, generator=draw).mul_(scale).to(torch.bfloat16)


if __name__ == "__main__":
    main()
