"""In bfloat16 batched, cached and paged runs may differ in their last bits. How far is bfloat16's own doing?"""

from collections import defaultdict
from collections.abc import Sequence

import pytest
import torch
from torch import Generator, Tensor

from inference_worker.engine import runner
from inference_worker.engine.engine import Engine
from inference_worker.engine.request import Prompt, Request, SamplingParams
from inference_worker.engine.sampler import sample
from inference_worker.model.phi3v import Phi3V
from tests.inference_worker.engine.small import (
    BORDER,
    ENGINES,
    Answers,
    BuildEngine,
    picture,
    prompt_of,
    request,
    run,
    small_model,
    whole_forward,
)


def in_bfloat16() -> Phi3V:
    model = small_model()
    for parameter in model.parameters():  # not `model.bfloat16()`: the angles of positions stay in float32
        parameter.data = parameter.data.bfloat16()
    return model


def of_the_same_weights_in_float32() -> Phi3V:
    model = in_bfloat16()
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
    return model


MODEL, EXACT = in_bfloat16(), of_the_same_weights_in_float32()
STORY = [(5 * n * n + 2 * n) % 59 for n in range(3 * BORDER)]
SEEDS = {"plain": 1, "seen": 2, "crossing": 3, "long": 4}  # by which the sampler is told apart whose row it is


def questions() -> dict[str, Request]:
    prompts = {
        "plain": prompt_of(STORY[:9]),
        "seen": prompt_of([1, picture("a"), 1, *STORY[:5]]),
        "crossing": prompt_of(STORY[: BORDER - 6]),
        "long": prompt_of(STORY),
    }
    return {name: request(name, prompt, new=12, seed=SEEDS[name]) for name, prompt in prompts.items()}


def follow_up(asked: Request, answer: Sequence[int]) -> Request:
    words = (*asked.prompt.ids, *answer, 7, 8, 9)
    return Request(
        id=asked.id,
        conversation=asked.conversation,
        prompt=Prompt(ids=words, slots=asked.prompt.slots),
        sampling=asked.sampling,
        load_crops=asked.load_crops,
    )


def run_and_listen(
    engine: Engine, asked: Sequence[Request], monkeypatch: pytest.MonkeyPatch
) -> tuple[Answers, dict[int, list[Tensor]]]:
    """The answers, and by seed the logits that each token was drawn from."""
    heard: dict[int, list[Tensor]] = defaultdict(list)

    def listening(logits: Tensor, params: Sequence[SamplingParams], generators: Sequence[Generator]) -> list[int]:
        for row, one in zip(logits, params, strict=True):
            heard[one.seed].append(row.clone())
        return sample(logits, params, generators)

    monkeypatch.setattr(runner, "sample", listening)
    return run(engine, *asked), heard


def distances(heard: dict[int, list[Tensor]], answers: Answers, asked: Sequence[Request]) -> tuple[Tensor, Tensor]:
    """From float32: of what the engine computed, and of bfloat16 with nothing cached and nobody beside."""
    ours, its_own = [], []
    for one in asked:
        tokens = answers.tokens[one.id]
        for number, logits in enumerate(heard[one.sampling.seed]):
            ids = [*one.prompt.ids, *tokens[:number]]
            exact = whole_forward(EXACT, ids, one.prompt.slots)
            ours.append(logits - exact)
            its_own.append(whole_forward(MODEL, ids, one.prompt.slots) - exact)
    return torch.stack(ours).abs(), torch.stack(its_own).abs()


@pytest.mark.parametrize("build", ENGINES.values(), ids=ENGINES)
def test_logits_stay_as_near_to_float32_as_bfloat16_is_by_itself(
    build: BuildEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(MODEL, chunk_tokens=16)
    asked = [*questions().values()]
    for turn in range(2):  # from nothing, then upon what is resident
        answers, heard = run_and_listen(engine, asked, monkeypatch)
        assert [one.cached_tokens > 0 for one in answers.finished.values()] == [turn == 1] * len(asked)
        ours, its_own = distances(heard, answers, asked)
        assert ours.mean() < 1.25 * its_own.mean()
        assert ours.max() < 1.5 * its_own.max()
        asked = [follow_up(one, answers.tokens[one.id]) for one in asked]
