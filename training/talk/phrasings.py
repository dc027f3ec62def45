"""How people put a question: one of its wordings, more or less carefully typed."""

import functools
import importlib.resources
import random
import re
import tomllib

import msgspec

from training.world.chance import chance
from training.world.split import Split

HELD_OUT_SHARE = 1 / 3  # of the questions of held-out dialogues
_AMERICAN = re.compile("color(?!ed)")


class Wordings(msgspec.Struct, frozen=True):
    """Of one kind of question: those that training sees, and those that it does not."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]


class Phrase(msgspec.Struct, frozen=True):
    """A wording, its braces still open."""

    template: str
    held_out: bool = False


@functools.cache
def load_wordings() -> dict[str, Wordings]:
    """By names like "cover.title"."""
    groups = tomllib.loads(importlib.resources.files(__package__).joinpath("phrasings.toml").read_text("utf-8"))
    return {
        f"{group}.{kind}": msgspec.convert(wordings, Wordings)
        for group, kinds in groups.items()
        for kind, wordings in kinds.items()
    }


def draw_phrase(rng: random.Random, split: Split, kind: str) -> Phrase:
    """One of a kind's wordings; a held-out one only where all is held out, and not always there."""
    wordings = load_wordings()[kind]
    held_out = split is Split.HELD_OUT and chance(rng, HELD_OUT_SHARE)
    return Phrase(rng.choice(wordings.held_out if held_out else wordings.seen), held_out)


def type_it(rng: random.Random, template: str, fills: dict[str, str]) -> str:
    """As somebody types it: with small letters, without a mark, politely, or as it should be."""
    if chance(rng, 0.12):
        template = template.lower()
    elif chance(rng, 0.08):
        template = lower_first(template)
    if chance(rng, 0.15):
        template = template.rstrip("?.")
    elif chance(rng, 0.05):
        template = f"{template.rstrip('?.')}, please{template[-1] if template[-1] in '?.' else ''}"
    elif chance(rng, 0.04):
        template = f"Please, {lower_first(template)}"
    if chance(rng, 0.12):
        template = _AMERICAN.sub("colour", template)
    if chance(rng, 0.3):
        fills = {name: re.sub(r"\bgray\b", "grey", words) for name, words in fills.items()}
    return template.format_map(fills)


def lower_first(template: str) -> str:
    """As within a sentence."""
    return template if template.startswith("I ") else template[:1].lower() + template[1:]
