"""Sums over steps, told as means by task."""

from collections import defaultdict

import msgspec
import torch

from training.batch import Batch
from training.step import Judged


class TaskScore(msgspec.Struct, frozen=True, kw_only=True):
    """`exact`: the part of the answers every token of which was the likeliest, told the ones before it."""

    loss: float  # mean over tokens
    exact: float
    answers: int


class Tally:
    """What steps came to since it was emptied."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Begin anew."""
        self.steps = self.dialogues = self.tokens = 0
        self._losses: dict[str, float] = defaultdict(float)
        self._by_task: dict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0, 0])  # loss, tokens, exact, answers

    def add(self, batch: Batch, judged: Judged) -> None:
        """One more step."""
        self.steps += 1
        self.dialogues += batch.sequences
        self.tokens += batch.tokens
        for name in judged.losses.__struct_fields__:
            self._losses[name] += getattr(judged.losses, name).item()
        count = len(batch.tasks)
        of = batch.target_exchanges
        losses = torch.zeros(count).index_add_(0, of, judged.word_losses.cpu())
        tokens = torch.bincount(of, minlength=count)
        wrong = torch.zeros(count).index_add_(0, of, (~judged.right).cpu().float())
        for task, *sums in zip(batch.tasks, losses.tolist(), tokens.tolist(), (wrong == 0).tolist(), strict=True):
            scores = self._by_task[task]
            for place, value in enumerate((*sums, 1)):
                scores[place] += value

    @property
    def losses(self) -> dict[str, float]:
        """Mean of each loss over the steps."""
        return {name: value / self.steps for name, value in self._losses.items()}

    @property
    def exact(self) -> float:
        """The part of all answers that was exactly right."""
        scores = self._by_task.values()
        return sum(score[2] for score in scores) / max(1, sum(score[3] for score in scores))

    @property
    def tasks(self) -> dict[str, TaskScore]:
        """By task, in the alphabet's order."""
        return {
            task: TaskScore(loss=loss / tokens, exact=exact / answers, answers=int(answers))
            for task, (loss, tokens, exact, answers) in sorted(self._by_task.items())
        }
