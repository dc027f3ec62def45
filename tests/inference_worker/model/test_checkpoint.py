import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inference_worker.errors import ModelIncomplete, ModelNotFound, ModelUnreadable
from inference_worker.model.checkpoint import count_parameters, find_checkpoint, load_model
from tests.inference_worker.model.folders import random_weights, write_config, write_model

QKV = "model.layers.0.self_attn.qkv_proj.weight"


def test_every_weight_arrives_as_stored_and_in_the_dtype_asked_for(tmp_path: Path) -> None:
    weights = random_weights(write_model(tmp_path))
    exact = load_model(tmp_path, dtype=torch.float32).state_dict()
    rounded = load_model(tmp_path, dtype=torch.bfloat16).state_dict()
    assert exact.keys() == rounded.keys() == weights.keys()
    for name, weight in weights.items():
        assert torch.equal(exact[name], weight)
        assert torch.equal(rounded[name], weight.to(torch.bfloat16))


def test_a_loaded_model_does_not_need_its_file_any_more(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path), dtype=torch.float32)
    before = model.lm_head.weight.clone()
    (tmp_path / "model.safetensors").write_bytes(bytes(100))
    assert torch.equal(model.lm_head.weight, before)


def test_progress_ends_at_the_size_of_the_weights(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    model = load_model(write_model(tmp_path), dtype=torch.bfloat16, progress=lambda *step: told.append(step))
    size = sum(weight.nbytes for weight in model.parameters())
    assert told[-1] == (size, size)
    assert {total for _, total in told} == {size}
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_several_files_with_an_index_are_one_model(tmp_path: Path) -> None:
    weights = random_weights(write_config(tmp_path))
    files = {name: f"model-0000{1 + index % 2}-of-00002.safetensors" for index, name in enumerate(weights)}
    for file in set(files.values()):
        save_file({name: weight for name, weight in weights.items() if files[name] == file}, tmp_path / file)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    loaded = load_model(tmp_path, dtype=torch.float32).state_dict()
    assert all(torch.equal(loaded[name], weight) for name, weight in weights.items())

    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelIncomplete, match=r"missing model-00002-of-00002\.safetensors\.$"):
        load_model(tmp_path, dtype=torch.float32)


def test_a_tied_output_layer_is_the_embedding_table(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path, tie_word_embeddings=True), dtype=torch.float32)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_weights_that_are_never_read_may_be_there_or_not(tmp_path: Path) -> None:
    weights = random_weights(write_config(tmp_path))
    vision = "model.vision_embed_tokens"
    unused = [
        f"{vision}.wte.weight",
        f"{vision}.img_processor.vision_model.post_layernorm.bias",
        f"{vision}.img_processor.vision_model.encoder.layers.2.mlp.fc1.weight",
    ]
    save_file(weights | {name: torch.zeros(1) for name in unused}, tmp_path / "model.safetensors")
    assert load_model(tmp_path, dtype=torch.float32).state_dict().keys() == weights.keys()


def test_missing_left_over_and_misshapen_weights_are_told_together(tmp_path: Path) -> None:
    weights = random_weights(write_config(tmp_path))
    del weights["lm_head.weight"]
    weights[QKV] = weights[QKV][:-1].clone()
    weights["model.layers.9.mlp.down_proj.weight"] = torch.zeros(1)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ModelIncomplete) as raised:
        load_model(tmp_path, dtype=torch.float32)
    assert raised.value.sentence == (
        f"The model in {tmp_path} is not complete: missing: lm_head.weight; "
        "left over: model.layers.9.mlp.down_proj.weight; "
        f"of the wrong shape: {QKV} [63, 32] instead of [64, 32]."
    )


def test_of_many_problems_a_few_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    write_config(tmp_path)
    save_file({"lm_head.weight": torch.zeros(50, 32)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelIncomplete, match=r"embed_tokens\.weight, .* and \d\d more\.$") as raised:
        load_model(tmp_path, dtype=torch.float32)
    assert len(raised.value.sentence) < 600


def test_pickles_are_refused_unopened(tmp_path: Path) -> None:
    (write_config(tmp_path) / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit'\ntR.")
    with pytest.raises(ModelUnreadable, match=r"pytorch_model\.bin can run code when opened"):
        load_model(tmp_path, dtype=torch.float32)


def test_a_folder_without_weights_is_incomplete(tmp_path: Path) -> None:
    with pytest.raises(ModelIncomplete, match=r"missing model\.safetensors"):
        load_model(write_config(tmp_path), dtype=torch.float32)


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_a_file_cut_short_is_damaged(tmp_path: Path, kept: int) -> None:
    file = write_model(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelUnreadable, match=r"model\.safetensors is damaged"):
        load_model(tmp_path, dtype=torch.float32)


@pytest.mark.skipif(sys.platform != "linux", reason="a file that even root cannot read")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "model.safetensors.index.json"])
def test_a_file_that_is_not_ours_to_read_is_named(name: str, tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to("/proc/self/mem")
    with pytest.raises(ModelUnreadable, match=rf"cannot be read: {name}: (Input/output error|No such device)"):
        load_model(tmp_path, dtype=torch.float32)


def may_not(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_weights_that_may_not_be_opened_are_not_told_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path)
    monkeypatch.setattr(Path, "open", may_not)
    with pytest.raises(ModelUnreadable, match=r"cannot be read: model\.safetensors: Permission denied\.$"):
        count_parameters(tmp_path)


def test_a_folder_where_we_may_not_look_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_dir", may_not)
    with pytest.raises(ModelUnreadable, match=r"phi cannot be read: Permission denied\.$"):
        find_checkpoint(str(tmp_path / "phi"))


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    (write_config(tmp_path) / "model.safetensors.index.json").write_text('{"weight_map": 3}')
    with pytest.raises(ModelUnreadable, match=r"index\.json"):
        load_model(tmp_path, dtype=torch.float32)


PEAK = """
import sys, threading
from pathlib import Path
import torch
from inference_worker.model.checkpoint import load_model

def resident(kind):  # bytes; Linux says kB
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(kind)) * 1024

torch.set_num_threads(1)
load_model(Path(sys.argv[1]), dtype=torch.float32)  # whatever is imported or set up on the way
before = resident("VmRSS")
model = load_model(Path(sys.argv[2]), dtype=torch.bfloat16)
size = sum(weight.nbytes for weight in model.parameters())
print(size, resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_while_loading_stays_near_the_size_of_the_weights(tmp_path: Path) -> None:
    small = write_model(tmp_path / "small")
    large = write_model(
        tmp_path / "large", hidden_size=256, intermediate_size=2048, num_hidden_layers=24, rope_scaling=None
    )
    out = subprocess.run([sys.executable, "-c", PEAK, small, large], capture_output=True, text=True, check=True).stdout
    size, grown = map(int, out.split())
    assert size > 80e6, "large enough to be seen"
    assert grown < 1.2 * size


def test_the_built_in_model_and_folders_are_found(tmp_path: Path) -> None:
    assert (find_checkpoint("tiny") / "model.safetensors").is_file()
    assert find_checkpoint(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["nothing-here", "/nothing/here", "./nothing", "~/nothing-here", "a/b/c", ""])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "inference_worker.model.checkpoint.fetch_from_hub", lambda *_, **__: pytest.fail("asked the hub")
    )
    with pytest.raises(ModelNotFound, match="neither a folder here nor a name"):
        find_checkpoint(name)
