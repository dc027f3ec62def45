"""Samples side by side: the tensors of one training step, and how samples of like length come together."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar

import msgspec
import torch
from torch import Tensor

from inference_worker.image.tiling import Tiling
from training.citations import Citations, cite_looks, cite_matches, cite_names, cite_pairs, cite_targets, cite_values
from training.sample import Sample, Seen

GRANULE = 16  # lengths are rounded up to it, so that few shapes occur
SILENT_SHARE = 0.25  # of the tokens with nothing in them, which are most

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Sights(msgspec.Struct, frozen=True, kw_only=True):
    """Labels of some of the pictures' tokens; see `training.labels`. -1 is ignored."""

    features: Tensor  # (tokens,) rows of the pictures' features
    characters: Tensor  # (tokens, 4, 3)
    forms: Tensor  # (tokens, 4)
    colours: Tensor  # (tokens, 4)


class Comparisons(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of pictures that follow another one, as the decoder has them."""

    rows: Tensor  # (tokens,) of the batch
    forms: Tensor  # (tokens,) one for a token; -1 is ignored
    colours: Tensor  # (tokens,)
    changed: Tensor  # (tokens,) 1: another thing than in the picture before; -1: nothing to compare it with
    earlier_forms: Tensor  # (tokens,) what the picture before shows there; -1 as above, and where it is the same
    earlier_colours: Tensor  # (tokens,)


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of things that are compared within a picture, as the decoder has them; see `training.measures`."""

    rows: Tensor  # (tokens,) of the batch
    truths: Tensor  # (tokens, 3) in float32; NaN is ignored


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Slices of pies in the whole pictures' tokens; see `training.shares`."""

    features: Tensor  # (tokens,) rows of the pictures' features
    truths: Tensor  # (tokens, 4) in float32; NaN is ignored


class Lookups(msgspec.Struct, frozen=True, kw_only=True):
    """What tokens know from elsewhere in their picture, as the decoder has them; see `training.lookups`."""

    rows: Tensor  # (tokens,) of the batch
    values: Tensor  # (tokens,) in float32; NaN is ignored
    lines: Tensor  # (tokens,); -1 is ignored
    columns: Tensor  # (tokens,)


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Names in questions: where they stand in a picture, and of charts' labels where it is known what they stand for."""

    read: Citations
    known: Citations
    values: Tensor  # (queries of `known`,) in float32
    firsts: Citations  # of rows that begin the answer to a comparison: the names compared
    seconds: Citations
    leads: Tensor  # (queries of `firsts`,) in float32; NaN is ignored


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where every token of the parts stands in its picture, as the decoder has them."""

    rows: Tensor  # (tokens,) of the batch
    lines: Tensor  # (tokens,) from the top
    columns: Tensor  # (tokens,)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A step's dialogues, padded at the right to one length: row = sequence * length + position."""

    ids: Tensor  # (sequences, length); 0 where pictures are and in the padding
    crops: Tensor  # (crops of all pictures, 3, S, S)
    tilings: tuple[Tiling, ...]
    picture_rows: Tensor  # (tokens of all pictures,) where the features go
    target_rows: Tensor  # (targets,)
    target_ids: Tensor  # (targets,)
    target_exchanges: Tensor  # (targets,) places in `tasks`
    tasks: tuple[str, ...]  # of every exchange
    citations: Citations
    sights: Sights
    comparisons: Comparisons
    measures: Measures
    places: Places
    shares: Shares
    lookups: Lookups
    names: Names
    looks: Citations  # of charts' labels: where their marks end, or the slice
    matches: Citations  # of tokens of later pictures: the same place of the picture before
    tokens: int  # without the padding

    def to(self, device: torch.device) -> "Batch":
        """The same, computed there."""
        return _move(self, device)

    @property
    def sequences(self) -> int:
        """Dialogues."""
        return self.ids.shape[0]

    @property
    def length(self) -> int:
        """Positions of every sequence."""
        return self.ids.shape[1]


def _move(whole: _Struct, device: torch.device) -> _Struct:
    """All tensors of a struct, and of the structs in it."""
    moved: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(whole).items():
        if isinstance(value, Tensor):
            moved[name] = value.to(device)
        elif isinstance(value, msgspec.Struct):
            moved[name] = _move(value, device)
    return msgspec.structs.replace(whole, **moved)


def group_by_length(samples: Sequence[Sample], *, rows: int, rng: random.Random) -> list[list[Sample]]:
    """Batches of about `rows` rows, each of samples of like length, in any order."""
    groups: list[list[Sample]] = []
    for sample in sorted(samples, key=lambda sample: -len(sample.ids)):
        longest = _padded(len(groups[-1][0].ids)) if groups else 0
        if not groups or (len(groups[-1]) + 1) * longest > rows:
            groups.append([])
        groups[-1].append(sample)
    rng.shuffle(groups)
    return groups


def build_batch(samples: Sequence[Sample], rng: random.Random) -> Batch:
    """The samples in one step. `rng` chooses which silent tokens of the pictures are looked at."""
    length = _padded(max(len(sample.ids) for sample in samples))
    ids = torch.zeros((len(samples), length), dtype=torch.long)
    for sequence, sample in enumerate(samples):
        ids[sequence, : len(sample.ids)] = torch.tensor(sample.ids)
    seen = [(sequence * length, picture) for sequence, sample in enumerate(samples) for picture in sample.pictures]
    targets = [(sequence * length, target) for sequence, sample in enumerate(samples) for target in sample.targets]
    firsts = _firsts([len(sample.tasks) for sample in samples])
    return Batch(
        ids=ids,
        crops=torch.cat([picture.crops for _, picture in seen]),
        tilings=tuple(picture.tiling for _, picture in seen),
        picture_rows=torch.cat([base + picture.start + torch.arange(picture.tiling.tokens) for base, picture in seen]),
        target_rows=torch.tensor([base + target.row for base, target in targets]),
        target_ids=torch.tensor([target.token for _, target in targets]),
        target_exchanges=torch.tensor(
            [
                first + target.exchange
                for first, sample in zip(firsts, samples, strict=True)
                for target in sample.targets
            ]
        ),
        tasks=tuple(task for sample in samples for task in sample.tasks),
        citations=cite_targets(samples, length),
        sights=_sights(samples, rng),
        comparisons=_comparisons(samples, length),
        measures=_measures(seen),
        places=_places(seen),
        shares=_shares(seen),
        lookups=_lookups(seen),
        names=_names(samples, length),
        looks=cite_looks(seen),
        matches=cite_matches(seen),
        tokens=sum(len(sample.ids) for sample in samples),
    )


def _padded(length: int) -> int:
    return -(-length // GRANULE) * GRANULE


def _firsts(counts: Sequence[int]) -> Iterator[int]:
    first = 0
    for count in counts:
        yield first
        first += count


def _sights(samples: Sequence[Sample], rng: random.Random) -> Sights:
    """All tokens with something in them, and some of the others."""
    pictures = [picture for sample in samples for picture in sample.pictures]
    starts = torch.tensor(list(_firsts([picture.tiling.tokens for picture in pictures])))
    labels = [picture.labels for picture in pictures]
    grids = torch.tensor([len(label.rows) for label in labels])
    features = torch.cat([torch.from_numpy(label.rows) for label in labels]) + starts.repeat_interleave(grids)
    speaking = torch.cat([torch.from_numpy(label.speaking) for label in labels])
    chosen = speaking | (torch.rand(len(speaking), generator=_generator(rng)) < SILENT_SHARE)
    return Sights(
        features=features[chosen],
        characters=torch.cat([torch.from_numpy(label.characters) for label in labels])[chosen],
        forms=torch.cat([torch.from_numpy(label.forms) for label in labels])[chosen],
        colours=torch.cat([torch.from_numpy(label.colours) for label in labels])[chosen],
    )


def _comparisons(samples: Sequence[Sample], length: int) -> Comparisons:
    """Every token of the second and later pictures."""
    later = [
        (sequence * length + picture.start, picture)
        for sequence, sample in enumerate(samples)
        for picture in sample.pictures[1:]
    ]
    if not later:
        return Comparisons(**dict.fromkeys(Comparisons.__struct_fields__, _long([])))
    grids = [len(picture.labels.rows) for _, picture in later]
    return Comparisons(
        rows=torch.cat([base + torch.from_numpy(picture.labels.rows) for base, picture in later]),
        forms=torch.cat([_one_of_four(torch.from_numpy(picture.labels.forms)) for _, picture in later]),
        colours=torch.cat([_one_of_four(torch.from_numpy(picture.labels.colours)) for _, picture in later]),
        changed=torch.cat(
            [
                torch.full((tokens,), -1) if picture.changed is None else picture.changed.long()
                for tokens, (_, picture) in zip(grids, later, strict=True)
            ]
        ),
        earlier_forms=torch.cat([_earlier(picture, "forms") for _, picture in later]),
        earlier_colours=torch.cat([_earlier(picture, "colours") for _, picture in later]),
    )


def _earlier(picture: Seen, kind: Literal["forms", "colours"]) -> Tensor:
    """Where something changed: elsewhere it is what it is now, and to say so teaches nothing."""
    if picture.earlier is None or picture.changed is None:
        return torch.full((len(picture.labels.rows),), -1)
    shown = _one_of_four(torch.from_numpy(getattr(picture.earlier.labels, kind)))
    return torch.where(picture.changed, shown, -1)


def _measures(seen: Sequence[tuple[int, Seen]]) -> Measures:
    measured = [(base + picture.start, picture.measures) for base, picture in seen]
    return Measures(
        rows=torch.cat([base + torch.from_numpy(measures.rows) for base, measures in measured]),
        truths=torch.cat([torch.from_numpy(measures.truths) for _, measures in measured]),
    )


def _shares(seen: Sequence[tuple[int, Seen]]) -> Shares:
    pictures = [picture for _, picture in seen]
    starts = _firsts([picture.tiling.tokens for picture in pictures])
    return Shares(
        features=torch.cat(
            [start + torch.from_numpy(picture.shares.rows) for start, picture in zip(starts, pictures, strict=True)]
        ),
        truths=torch.cat([torch.from_numpy(picture.shares.truths) for picture in pictures]),
    )


def _lookups(seen: Sequence[tuple[int, Seen]]) -> Lookups:
    looked = [(base + picture.start, picture.lookups) for base, picture in seen]
    return Lookups(
        rows=torch.cat([base + torch.from_numpy(lookups.rows) for base, lookups in looked]),
        values=torch.cat([torch.from_numpy(lookups.values) for _, lookups in looked]),
        lines=torch.cat([torch.from_numpy(lookups.lines) for _, lookups in looked]),
        columns=torch.cat([torch.from_numpy(lookups.columns) for _, lookups in looked]),
    )


def _names(samples: Sequence[Sample], length: int) -> Names:
    firsts, seconds = cite_pairs(samples, length)
    return Names(
        read=cite_names(samples, length),
        known=cite_values(samples, length),
        values=torch.tensor([name.value for sample in samples for name in sample.names if name.known]),
        firsts=firsts,
        seconds=seconds,
        leads=torch.tensor([pair.lead for sample in samples for pair in sample.pairs]),
    )


def _places(seen: Sequence[tuple[int, Seen]]) -> Places:
    numbers = [torch.arange(len(picture.labels.rows)) for _, picture in seen]  # line by line
    widths = [picture.tiling.columns * picture.tiling.tokens_per_side for _, picture in seen]
    return Places(
        rows=torch.cat([base + picture.start + torch.from_numpy(picture.labels.rows) for base, picture in seen]),
        lines=torch.cat([number // width for number, width in zip(numbers, widths, strict=True)]),
        columns=torch.cat([number % width for number, width in zip(numbers, widths, strict=True)]),
    )


def _one_of_four(labels: Tensor) -> Tensor:
    """What a token shows: the certain label of one of its patches, (tokens, 4) to (tokens,); else -1 if any is unsure."""
    known: Tensor = labels.amax(dim=1)
    return torch.where((known == 0) & (labels < 0).any(dim=1), -1, known)


def _long(values: Sequence[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.long)


def _generator(rng: random.Random) -> torch.Generator:
    return torch.Generator().manual_seed(rng.getrandbits(63))
