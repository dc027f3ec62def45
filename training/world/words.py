"""What is written in drawn pictures: half of it words and names, half of it letters drawn at random."""

import functools
import importlib.resources
import random
import string
from collections.abc import Callable

import msgspec

from training.world.chance import chance
from training.world.split import Split, split_of

CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str.capitalize)
FEWEST_LETTERS, MOST_LETTERS = 3, 8  # of a random string


class Wording(msgspec.Struct, frozen=True):
    """A line to be written."""

    text: str
    random: bool = False


@functools.cache
def load_words(name: str, split: Split) -> tuple[str, ...]:
    """The words of one list ("words", "first_names", "last_names") that belong to a split."""
    listed = importlib.resources.files(__package__).joinpath(f"{name}.txt").read_text("utf-8").split()
    return tuple(word for word in listed if split_of(word) == split)


def draw_word(rng: random.Random, split: Split, *, longest: int = 9) -> str:
    """A word of the dictionary of at most `longest` (3 and more) letters, in lower case."""
    words = load_words("words", split)
    while len(word := rng.choice(words)) > longest:
        pass
    return word


def draw_letters(rng: random.Random, *, longest: int = MOST_LETTERS) -> str:
    """Three to eight letters drawn at random, in lower case."""
    count = rng.randint(FEWEST_LETTERS, max(FEWEST_LETTERS, min(longest, MOST_LETTERS)))
    return "".join(rng.choices(string.ascii_lowercase, k=count))


def draw_wording(rng: random.Random, split: Split, *, words: int = 1, longest: int = 9) -> Wording:
    """Some words in one case, of the dictionary or random; of several random ones, or one beside words of it."""
    case = rng.choices(CASES, (2, 3, 5))[0]
    is_random = chance(rng, 0.5)
    chosen = [
        draw_letters(rng, longest=longest) if is_random else draw_word(rng, split, longest=longest)
        for _ in range(words)
    ]
    return Wording(" ".join(map(case, chosen)), is_random)


def draw_author(rng: random.Random, split: Split, *, longest: int = 9) -> Wording:
    """A name of two words, every second time of random letters."""
    case = str.upper if chance(rng, 1 / 6) else str.capitalize
    if is_random := chance(rng, 0.5):  # half of the names
        names = [draw_letters(rng, longest=longest), draw_letters(rng, longest=longest)]
    else:
        names = [rng.choice(load_words("first_names", split)), rng.choice(load_words("last_names", split))]
    return Wording(" ".join(map(case, names)), is_random)


def draw_price(rng: random.Random) -> int:
    """In hundredths; round sums are frequent."""
    return rng.choice((5, 10, 25, 50, 100)) * rng.randint(1, 40) if chance(rng, 0.5) else rng.randint(20, 4999)
