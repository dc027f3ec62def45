"""Sittings of a few steps, with real drawings, in real folders."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from PIL import Image

from inference_worker.image.processor import ImageProcessor
from inference_worker.model.checkpoint import load_model
from inference_worker.model.tokenizer import Tokenizer
from tests.golden.greedy import greedy
from tests.golden.prompt import chat_text, prompt_ids
from training.checkpoint import Checkpoint, read_checkpoint
from training.export import export
from training.losses import Losses
from training.schedule import Schedule
from training.settings import TrainingSettings, on_gpu, read_settings
from training.trainer import CHECKPOINT, CURVE, KEPT, Trainer, train


def small(out: Path, **changes: Any) -> TrainingSettings:
    settings = TrainingSettings(
        out=out,
        schedule=Schedule(steps=4),
        vocabulary_dialogues=20,
        batch_rows=700,
        pool=5,
        log_every=2,
        examined=2,
        threads=1,
    )
    return msgspec.structs.replace(settings, **changes)


def silent(_line: str) -> None:
    pass


def curve(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / CURVE).read_text().splitlines()]


def weights_equal(one: Checkpoint, other: Checkpoint) -> bool:
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def after(steps: int) -> Callable[[], bool]:
    """Interrupts before this step."""
    left: Iterator[int] = iter(range(steps))
    return lambda: next(left, None) is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    train(small(out), tell=silent)
    return out


def test_a_sitting_broken_off_and_taken_up_again_ends_in_the_same_weights(trained: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    Trainer(small(tmp_path), silent).run(after(3))
    half = read_checkpoint(tmp_path / CHECKPOINT)
    assert half.step == 3
    train(small(tmp_path), tell=silent)
    whole, resumed = read_checkpoint(trained / CHECKPOINT), read_checkpoint(tmp_path / CHECKPOINT)
    assert not weights_equal(half, resumed)
    assert weights_equal(whole, resumed)
    assert (resumed.step, resumed.dialogues, resumed.pool, resumed.place) == (
        (whole.step, whole.dialogues, whole.pool, whole.place)
    )


def test_what_a_training_was_told_is_kept_beside_its_checkpoint(trained: Path) -> None:
    assert read_settings(trained) == small(trained)


def test_two_processes_train_one_model(trained: Path, tmp_path: Path) -> None:
    train(small(tmp_path, processes=2), tell=silent)
    alone, together = read_checkpoint(trained / CHECKPOINT), read_checkpoint(tmp_path / CHECKPOINT)
    assert together.step == alone.step
    assert together.dialogues == 2 * alone.dialogues
    assert not weights_equal(alone, together)
    seen = [record["seen"]["losses"]["words"] for record in curve(tmp_path) if "seen" in record]
    assert len(seen) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")
def test_a_sitting_on_a_gpu_goes_on_on_a_cpu(tmp_path: Path) -> None:
    train(msgspec.structs.replace(on_gpu(small(tmp_path)), workers=1), tell=silent)
    train(small(tmp_path, schedule=Schedule(steps=6)), tell=silent)
    assert read_checkpoint(tmp_path / CHECKPOINT).step == 6


def test_the_curve_tells_each_task_of_seen_and_of_held_out_dialogues(trained: Path) -> None:
    records = curve(trained)
    seen, held_out = records[0], records[-1]
    assert seen["step"] == 2
    assert seen["dialogues_per_s"] > 0
    assert set(seen["seen"]["losses"]) == set(Losses.__struct_fields__)
    assert sum(task["answers"] for task in held_out["held_out"]["tasks"].values()) >= 2
    assert 0 <= held_out["held_out"]["exact"] <= 1


def test_what_is_learnt_from_does_not_change_what_is_examined(tmp_path: Path) -> None:
    papers = []
    for mix in ("learning", "all"):
        trainer = Trainer(small(tmp_path / mix, mix=mix, examined=4), silent)
        papers.append(sorted(task for batch in trainer._draw_held_out() for task in batch.tasks))
    assert papers[0] == papers[1]


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    export(trained / CHECKPOINT, out)
    return out


def test_what_is_exported_loads_and_is_what_was_trained(trained: Path, exported: Path) -> None:
    model = load_model(exported, dtype=torch.float32)
    for name, weight in read_checkpoint(trained / CHECKPOINT).weights.items():
        assert torch.equal(model.state_dict()[name], weight.bfloat16().float()), name
    assert (exported / "model.safetensors").stat().st_size < 20e6


def test_what_is_exported_answers_in_the_trainers_words(trained: Path, exported: Path) -> None:
    """Greedily, from the exported files alone, and with the rounded weights put into a model of its own."""
    loaded = load_model(exported, dtype=torch.float32)
    tokenizer = Tokenizer(exported)
    picture = Image.new("RGB", (224, 224), "red")
    crops = ImageProcessor(loaded.config.image).crops(picture, max_crops=4)
    text = chat_text([{"role": "user", "content": "<|image_1|>\nWhat is in this picture?"}], add_generation_prompt=True)
    ids = prompt_ids(tokenizer, text, [crops.tiling.tokens])
    with torch.inference_mode():
        features = loaded.encode(crops.pixels, [crops.tiling])[0]
    answer = greedy(loaded, ids, features, max_new_tokens=12, stop_ids=loaded.config.stop_ids)
    assert tokenizer.decode(answer).strip()
    again = load_model(exported, dtype=torch.float32)
    again.load_state_dict(read_checkpoint(trained / CHECKPOINT).weights)
    again.bfloat16().float()
    assert greedy(again, ids, features, max_new_tokens=12, stop_ids=again.config.stop_ids) == answer


def test_another_sitting_goes_on_from_a_checkpoint_under_its_own_schedule(trained: Path, tmp_path: Path) -> None:
    settings = small(tmp_path, start=trained / CHECKPOINT, schedule=Schedule(steps=1, warm_up=0, decay=0))
    train(settings, tell=silent)
    before, then = read_checkpoint(trained / CHECKPOINT), read_checkpoint(tmp_path / CHECKPOINT)
    assert then.files == before.files
    assert then.step == 1
    assert then.dialogues > before.dialogues
    assert not weights_equal(before, then)
    moved = (then.weights["lm_head.weight"] - before.weights["lm_head.weight"]).abs().max()
    assert 0 < moved < 0.01


def test_ctrl_c_ends_the_step_and_keeps_it(tmp_path: Path) -> None:
    told: list[str] = []

    def press(line: str) -> None:
        told.append(line)
        if len(told) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    train(small(tmp_path, schedule=Schedule(steps=1000)), tell=press)
    assert read_checkpoint(tmp_path / CHECKPOINT).step == 2
    assert signal.getsignal(signal.SIGINT) is before
    assert threading.active_count() <= threads + 2  # torch's own, at its first use


def test_states_are_kept_by_their_step(tmp_path: Path) -> None:
    train(small(tmp_path, schedule=Schedule(steps=2), keep_every_s=0), tell=silent)
    kept = {path.name: read_checkpoint(path) for path in (tmp_path / KEPT).iterdir()}
    assert {name: state.step for name, state in kept.items()} == {"1.pt": 1, "2.pt": 2}
    assert not weights_equal(kept["1.pt"], kept["2.pt"])
    assert weights_equal(kept["2.pt"], read_checkpoint(tmp_path / CHECKPOINT))


def test_a_torn_checkpoint_never_replaces_a_whole_one(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(small(tmp_path, start=trained / CHECKPOINT), silent)
    trainer.save()
    whole = (tmp_path / CHECKPOINT).read_bytes()

    def tear(_content: object, path: Path) -> None:
        path.write_bytes(whole[:1000])
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", tear)
    with pytest.raises(OSError, match="no space"):
        trainer.save()
    assert (tmp_path / CHECKPOINT).read_bytes() == whole
