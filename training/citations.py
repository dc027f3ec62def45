"""Where attention is pulled to: rows of pictures that show what other rows are about."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import torch
from torch import Tensor

from training.sample import Named, Sample, Seen


class Citations(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows show what others are about: `keys[i]` shows what `rows[queries[i]]` is to look at."""

    rows: Tensor  # (queries,) of the batch
    queries: Tensor  # (citations,) places in `rows`
    keys: Tensor  # (citations,) positions within the query's own sequence


def cite_targets(samples: Sequence[Sample], length: int) -> Citations:
    """Of the rows that predict a token: where it can be seen. Every sample has `length` rows of the batch."""
    return _cite(
        (sequence * length + target.row, target.cited)
        for sequence, sample in enumerate(samples)
        for target in sample.targets
        if target.cited
    )


def cite_names(samples: Sequence[Sample], length: int) -> Citations:
    """Of names in questions: where they stand in their picture."""
    return _cite((sequence * length + name.row, name.read) for sequence, name in _names(samples) if name.read)


def cite_values(samples: Sequence[Sample], length: int) -> Citations:
    """Of those of charts' labels: where it is known how large their marks are."""
    return _cite((sequence * length + name.row, name.known) for sequence, name in _names(samples) if name.known)


def cite_pairs(samples: Sequence[Sample], length: int) -> tuple[Citations, Citations]:
    """Of rows that begin the answer to a comparison: the first of the two names, and the second."""
    pairs = [(sequence * length, pair) for sequence, sample in enumerate(samples) for pair in sample.pairs]
    return (
        _cite((base + pair.row, (pair.first,)) for base, pair in pairs),
        _cite((base + pair.row, (pair.second,)) for base, pair in pairs),
    )


def cite_matches(seen: Sequence[tuple[int, Seen]]) -> Citations:
    """Of later pictures' tokens: the same place of the picture before. Each picture with its dialogue's first row."""
    comparable = [(base, picture, picture.earlier) for base, picture in seen if picture.earlier]
    rows = [base + picture.start + row for base, picture, _ in comparable for row in picture.labels.rows.tolist()]
    keys = [earlier.start + row for _, _, earlier in comparable for row in earlier.labels.rows.tolist()]
    return Citations(rows=_long(rows), queries=torch.arange(len(rows)), keys=_long(keys))


def cite_looks(seen: Sequence[tuple[int, Seen]]) -> Citations:
    """Of charts' labels: where their marks end, or the slice; a label that looks at several rows is one query."""
    looks: dict[int, list[int]] = {}
    for base, picture in seen:
        queries, keys = picture.lookups.queries.tolist(), picture.lookups.keys.tolist()
        for query, key in zip(queries, keys, strict=True):
            looks.setdefault(base + picture.start + query, []).append(picture.start + key)
    return _cite(looks.items())


def _names(samples: Sequence[Sample]) -> Iterator[tuple[int, Named]]:
    """Each with its dialogue's place in the batch."""
    return ((sequence, name) for sequence, sample in enumerate(samples) for name in sample.names)


def _cite(citing: Iterable[tuple[int, Sequence[int]]]) -> Citations:
    """From each row of the batch and the positions that it is to look at."""
    rows, keys = [*zip(*citing, strict=True)] or ([], [])
    return Citations(
        rows=_long(rows),
        queries=_long([query for query, cited in enumerate(keys) for _ in cited]),
        keys=_long([key for cited in keys for key in cited]),
    )


def _long(values: Sequence[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.long)
