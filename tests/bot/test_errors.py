import pickle
import re
import string

import pytest

import bot.errors
import jobs.errors
import jobs.settings
from jobs.errors import ThreadsightError


class AnyFact(str):
    """Stands for whatever fact a sentence asks for, in any format."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return "7"


def leaves(error: type[ThreadsightError]) -> list[type[ThreadsightError]]:
    below = error.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [error]


def in_house(module: str) -> list[type[ThreadsightError]]:
    return [leaf for leaf in leaves(ThreadsightError) if leaf.__module__ == module]


MODULES = (jobs.errors, jobs.settings, bot.errors)
LEAVES = [leaf for module in MODULES for leaf in in_house(module.__name__)]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_leaf_is_a_sentence_for_people(leaf: type[ThreadsightError]) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(leaf.__doc__ or "") if name}
    sentence = leaf(**{name: AnyFact("7") for name in names}).sentence
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert sentence[0].isupper() or sentence[0].isdigit()


def test_an_error_comes_out_of_another_process_as_it_was() -> None:
    error = bot.errors.RateLimited(wait_s=39.6)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.facts, str(again)) == (type(error), error.facts, str(error))


@pytest.mark.parametrize("module", [jobs.errors, bot.errors])
def test_the_module_docstring_is_the_tree(module: object) -> None:
    drawn = set(re.findall(r"^ *([A-Z]\w+)", (module.__doc__ or "").split("\n\n")[1], re.MULTILINE))
    assert {leaf.__name__ for leaf in in_house(module.__name__)} <= drawn  # type: ignore[attr-defined]


def test_the_sentence_of_a_skipped_file() -> None:
    error = bot.errors.PictureTooLarge(name="huge.png", size="14 MB", limit_mb=10.0)
    assert error.sentence == "huge.png skipped: 14 MB, the limit is 10."
    assert error.code == "picture_too_large"


def test_the_sentence_of_a_rate() -> None:
    assert bot.errors.RateLimited(wait_s=39.6).sentence.endswith("try again in 40 s.")
