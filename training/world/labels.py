"""What stands at the marks of a chart, and how large these are."""

import random
from collections.abc import Callable

from training.world.faces import load_font
from training.world.split import Split
from training.world.words import CASES, FEWEST_LETTERS, Wording, draw_letters, draw_word

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KINDS = ("words", "letters", "years", "months", "days", "capitals")
WEIGHTS = (5, 6, 4, 1, 1, 1)
TRIES = 12  # for a word that is short enough
APART = 0.105  # of the axis: how much the largest and the smallest differ from the next, 10 % after rounding to pixels
LEAST_BAR, LEAST_SLICE = 0.06, 0.04
MOST_SLICE = 0.2  # that the smallest slice may have


def draw_labels(
    rng: random.Random, split: Split, face: str, size_px: int, count: int, *, width: float
) -> tuple[Wording, ...]:
    """Different labels that fit into a width each. Capitals always do."""
    font = load_font(face, size_px)
    longest = max(FEWEST_LETTERS, int(width / size_px / 0.45))
    for kind in (rng.choices(KINDS, WEIGHTS)[0], rng.choice(KINDS), "letters"):
        labels = _draw_kind(rng, split, kind, count=count, longest=longest, fits=lambda text: font.width(text) <= width)
        if len(labels) == count:
            return labels
    first = rng.randint(0, 26 - count)
    return tuple(Wording(chr(ord("A") + first + n)) for n in range(count))


def _draw_kind(
    rng: random.Random, split: Split, kind: str, *, count: int, longest: int, fits: Callable[[str], bool]
) -> tuple[Wording, ...]:
    """Labels of one kind: fewer than `count` where too few fit."""
    first = rng.randint(0, 100)
    match kind:
        case "years":
            found = [str(1960 + first + n) for n in range(count)]
        case "months":
            found = [MONTHS[(first + n) % len(MONTHS)] for n in range(count)]
        case "days":
            found = [DAYS[(first + n) % len(DAYS)] for n in range(count)]
        case "capitals":
            found = [chr(ord("A") + first % (27 - count) + n) for n in range(count)]
        case _:
            return _draw_words(rng, split, kind, count=count, longest=longest, fits=fits)
    return tuple(Wording(text) for text in found if fits(text))


def _draw_words(
    rng: random.Random, split: Split, kind: str, *, count: int, longest: int, fits: Callable[[str], bool]
) -> tuple[Wording, ...]:
    """Words or random letters, all different, in one case."""
    case = rng.choices(CASES, (2, 3, 5))[0]
    is_random = kind == "letters"
    found: dict[str, Wording] = {}
    for _ in range(TRIES * count):
        text = case(draw_letters(rng, longest=longest) if is_random else draw_word(rng, split, longest=longest))
        if fits(text):
            found[text] = Wording(text, is_random)
        if len(found) == count:
            break
    return tuple(found.values())


def draw_values(rng: random.Random, count: int) -> tuple[float, ...]:
    """Parts of an axis, the largest and the smallest clearly apart from the others."""
    smallest = rng.uniform(LEAST_BAR, 0.55)
    largest = rng.uniform(smallest + 2 * APART, 1)
    values = [smallest, largest, *(rng.uniform(smallest + APART, largest - APART) for _ in range(count - 2))]
    rng.shuffle(values)
    return tuple(values)


def draw_shares(rng: random.Random, count: int) -> tuple[float, ...]:
    """Parts of a whole, the largest and the smallest clearly apart from the others."""
    smallest = rng.uniform(LEAST_SLICE, min(MOST_SLICE, 0.98 / count - APART))
    middle = [rng.random() for _ in range(count - 2)]
    above = rng.random()  # the largest above the next one
    spare = 1 - count * (smallest + APART)  # what is left after the smallest everywhere, and the two steps
    scale = spare / (sum(middle) + max(middle) + above)
    shares = [smallest, *(smallest + APART + part * scale for part in middle)]
    shares.append(1 - sum(shares))
    rng.shuffle(shares)
    return tuple(shares)


def well_apart(values: tuple[float, ...]) -> bool:
    """Whether the largest and the smallest are clearly apart from the others."""
    ordered = sorted(values)
    return ordered[1] - ordered[0] >= APART and ordered[-1] - ordered[-2] >= APART
