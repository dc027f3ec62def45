"""Real processes that meet and average."""

import functools
import multiprocessing
from pathlib import Path

import pytest
import torch
from torch import nn

from training.team import Team, gather

GRADIENTS = ((1.0, 2.0), (3.0, 8.0))  # of each member


def parameters(team: Team) -> list[nn.Parameter]:
    """Two of one number, with the member's own gradients; the second member has none for the first."""
    made = [nn.Parameter(torch.zeros(1)) for _ in GRADIENTS[0]]
    for parameter, gradient in zip(made, GRADIENTS[team.place], strict=True):
        parameter.grad = torch.tensor([gradient])
    if not team.leads:
        made[0].grad = None
    return made


def average_once(out: Path, team: Team) -> None:
    made = parameters(team)
    progress = team.follow(0.25 + team.place)
    team.average(made)
    told = [parameter.grad.item() for parameter in made if parameter.grad is not None]
    (out / str(team.place)).write_text(f"{progress} {told}")


def average_often(team: Team) -> None:
    for _ in range(10):
        team.average(parameters(team))


def fail(_team: Team) -> None:
    raise ArithmeticError("the other cannot")


def test_all_get_the_mean_of_all_gradients_and_the_leaders_word(tmp_path: Path) -> None:
    work = functools.partial(average_once, tmp_path)
    with gather(2, work) as team:
        assert team.leads
        work(team)
    assert [(tmp_path / place).read_text() for place in "01"] == ["0.25 [0.5, 5.0]"] * 2
    assert not multiprocessing.active_children()


def test_one_alone_stays_as_it_is() -> None:
    with gather(1, fail) as team:
        made = parameters(team)
        team.average(made)
        assert [parameter.grad for parameter in made] == [torch.tensor([1.0]), torch.tensor([2.0])]
        assert team.follow(0.5) == 0.5


def test_nobody_waits_for_one_that_has_died() -> None:
    with pytest.raises(RuntimeError), gather(2, fail) as team:
        average_often(team)
    assert not multiprocessing.active_children()


def test_others_end_when_the_leader_fails(tmp_path: Path) -> None:
    with pytest.raises(ArithmeticError), gather(2, functools.partial(average_once, tmp_path)) as team:
        fail(team)
    assert not multiprocessing.active_children()
