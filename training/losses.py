"""What a step is judged by: the words of the answers, where they were read, and what the pictures' tokens hold.

Only the first remains in the model; the small layers that the others need are thrown away at export.
"""

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.attention import PaddedAttention
from training.batch import Batch, Comparisons, Lookups, Measures, Names, Places, Shares, Sights
from training.citations import Citations
from training.labels import CHARACTERS, IGNORED, MOST_CHARACTERS, NONE, PATCHES
from training.lookups import MOST_ORDINALS
from training.measures import ACROSS_DOWN_VALUE
from training.world.colours import COLOURS
from training.world.forms import FORMS

# Of a picture's line or column: four crops of four. With more than nine crops the drawn banners would have five in a line.
MOST_TOKENS = 16
UNIT = 0.03  # of what is measured; marks that are compared differ by three of them


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """How much each loss counts beside the words."""

    sight: float = 0.5
    comparison: float = 0.3
    measure: float = 0.1
    share: float = 0.1
    value: float = 0.1
    ordinal: float = 0.1
    place: float = 0.1
    match: float = 0.1
    look: float = 0.1
    name: float = 0.1
    named_value: float = 0.03
    pair: float = 0.1
    lead: float = 0.03
    hint: float = 0.2


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """Means over what was judged, each a scalar."""

    words: Tensor
    sight: Tensor
    comparison: Tensor
    measure: Tensor
    share: Tensor
    value: Tensor
    ordinal: Tensor
    place: Tensor
    match: Tensor
    look: Tensor
    name: Tensor
    named_value: Tensor
    pair: Tensor
    lead: Tensor
    hint: Tensor

    def total(self, weights: Weights, *, hint: float) -> Tensor:
        """Their weighted sum; `hint` is how much of the hint's weight is left."""
        return (
            self.words
            + weights.sight * self.sight
            + weights.comparison * self.comparison
            + weights.measure * self.measure
            + weights.share * self.share
            + weights.value * self.value
            + weights.ordinal * self.ordinal
            + weights.place * self.place
            + weights.match * self.match
            + weights.look * self.look
            + weights.name * self.name
            + weights.named_value * self.named_value
            + weights.pair * self.pair
            + weights.lead * self.lead
            + weights.hint * hint * self.hint
        )


class Heads(nn.Module):
    """Linear layers that name what a token holds: from the projected features, and from the middle of the decoder."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.characters = nn.Linear(hidden, PATCHES * MOST_CHARACTERS * (1 + len(CHARACTERS)))
        self.forms = nn.Linear(hidden, PATCHES * (1 + len(FORMS)))
        self.colours = nn.Linear(hidden, PATCHES * (1 + len(COLOURS)))
        self.later_forms = nn.Linear(hidden, 1 + len(FORMS))
        self.later_colours = nn.Linear(hidden, 1 + len(COLOURS))
        self.changed = nn.Linear(hidden, 2)
        self.earlier_forms = nn.Linear(hidden, 1 + len(FORMS))
        self.earlier_colours = nn.Linear(hidden, 1 + len(COLOURS))
        self.lines = nn.Linear(hidden, MOST_TOKENS)
        self.columns = nn.Linear(hidden, MOST_TOKENS)
        self.measured = nn.Linear(hidden, ACROSS_DOWN_VALUE)
        self.shares = nn.Linear(hidden, PATCHES)
        self.values = nn.Linear(hidden, 1)
        self.ordinal_lines = nn.Linear(hidden, MOST_ORDINALS)
        self.ordinal_columns = nn.Linear(hidden, MOST_ORDINALS)

    def sight(self, features: Tensor, sights: Sights) -> Tensor:
        """Characters, forms and colours of patches, from features (tokens of all pictures, hidden)."""
        seen = _normalised(features[sights.features])
        return (
            _classify_rare(self.characters(seen), sights.characters)
            + _classify(self.forms(seen), sights.forms)
            + _classify(self.colours(seen), sights.colours)
        )

    def comparison(self, hidden: Tensor, comparisons: Comparisons) -> Tensor:
        """Of later pictures: form, colour, and whether it has changed, from hidden rows (rows, hidden)."""
        seen = _normalised(hidden[comparisons.rows])
        return (
            _classify(self.later_forms(seen), comparisons.forms)
            + _classify(self.later_colours(seen), comparisons.colours)
            + _classify(self.changed(seen), comparisons.changed)
        )

    def earlier(self, hidden: Tensor, comparisons: Comparisons) -> Tensor:
        """Of later pictures: form and colour of what was there before, from hidden rows (rows, hidden)."""
        seen = _normalised(hidden[comparisons.rows])
        return _classify(self.earlier_forms(seen), comparisons.earlier_forms) + _classify(
            self.earlier_colours(seen), comparisons.earlier_colours
        )

    def place(self, hidden: Tensor, places: Places) -> Tensor:
        """Line and column, from hidden rows (rows, hidden). As classes: what is alike is found by a product."""
        seen = _normalised(hidden[places.rows])
        return _classify(self.lines(seen), places.lines) + _classify(self.columns(seen), places.columns)

    def measure(self, hidden: Tensor, measures: Measures) -> Tensor:
        """How far off places and values are, read from hidden rows (rows, hidden): mean of the smooth L1 in `UNIT`s.

        Read linearly, so that attention can compare them: what is largest lies furthest along one direction.
        """
        return _off(self.measured(_normalised(hidden[measures.rows])), measures.truths)

    def share(self, features: Tensor, shares: Shares) -> Tensor:
        """The same of pies' slices, patch by patch, from features (tokens of all pictures, hidden)."""
        return _off(self.shares(_normalised(features[shares.features])), shares.truths)

    def value(self, hidden: Tensor, rows: Tensor, truths: Tensor) -> Tensor:
        """The same of what labels stand for, or of how far one leads, from some `rows` of hidden rows (rows, hidden)."""
        return _off(self.values(_normalised(hidden[rows]))[:, 0], truths)

    def ordinal(self, hidden: Tensor, lookups: Lookups) -> Tensor:
        """The line and the column of a list or table, from hidden rows (rows, hidden)."""
        seen = _normalised(hidden[lookups.rows])
        return _classify(self.ordinal_lines(seen), lookups.lines) + _classify(
            self.ordinal_columns(seen), lookups.columns
        )


def words_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross entropy of each target (targets,), from logits (targets, vocab) in float32."""
    return functional.cross_entropy(logits, batch.target_ids, reduction="none")


def hint_loss(attention: PaddedAttention, citations: Citations, *, layer: int) -> Tensor:
    """Minus the logarithm of the attention that falls on the cited rows, of the layer's head that does best.

    One head only: the others are left to what they are good for.
    """
    best: Tensor = _missed(attention, citations, layer).min()
    return best


def pair_loss(attention: PaddedAttention, names: Names, *, layer: int) -> Tensor:
    """The same of both names that are compared, of the two heads that do best together: one for each."""
    firsts, seconds = (_missed(attention, citations, layer) for citations in (names.firsts, names.seconds))
    both = firsts[:, None] + seconds
    best: Tensor = both.masked_fill(torch.eye(len(both), dtype=torch.bool, device=both.device), torch.inf).min()
    return best


def _missed(attention: PaddedAttention, citations: Citations, layer: int) -> Tensor:
    """Minus the logarithm of the attention that falls on the cited rows, on average (heads,)."""
    query, key = attention.recorded[layer]  # (sequences, heads, length, head_dim)
    if not len(citations.rows):
        return query.new_zeros(query.shape[1], dtype=torch.float32)
    length, head_dim = query.shape[2:]
    order = citations.rows // length, citations.rows % length
    scores = _scores_of(query, key, order) * head_dim**-0.5  # (queries, heads, length) in float32
    scores = scores.masked_fill(torch.arange(length, device=query.device) > order[1][:, None, None], -torch.inf)
    cited = torch.zeros((len(citations.rows), length), dtype=torch.bool, device=query.device)
    cited[citations.queries, citations.keys] = True
    on_cited = scores.masked_fill(~cited[:, None], -torch.inf).logsumexp(dim=-1)  # (queries, heads)
    missed: Tensor = (scores.logsumexp(dim=-1) - on_cited).mean(dim=0)
    return missed


def _scores_of(query: Tensor, key: Tensor, order: tuple[Tensor, Tensor]) -> Tensor:
    """Products of some queries with all keys of their own sequence, (queries, heads, length) in float32.

    `order` gives each query's sequence, rising, and its position.
    """
    sequence, position = order
    counts = torch.bincount(sequence, minlength=query.shape[0])
    place = (
        torch.arange(len(sequence), device=sequence.device) - (counts.cumsum(0) - counts)[sequence]
    )  # among those of its sequence
    asking = query.new_zeros((query.shape[0], int(counts.max()), query.shape[1], query.shape[3]))
    asking = asking.index_put((sequence, place), query[sequence, :, position])  # (sequences, queries, heads, head_dim)
    scores = asking.transpose(1, 2) @ key.transpose(-1, -2)  # (sequences, heads, queries, length)
    return scores[sequence, :, place].float()


def _off(told: Tensor, truths: Tensor) -> Tensor:
    """How far off what is known is, on average."""
    known = ~truths.isnan()
    off = functional.smooth_l1_loss(told.float()[known] / UNIT, truths[known] / UNIT, reduction="sum")
    return off / known.sum().clamp(min=1)


def _normalised(rows: Tensor) -> Tensor:
    return functional.rms_norm(rows.float(), rows.shape[-1:])


def _classify(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean cross entropy over what is not ignored; 0 where nothing is. Logits (tokens, all classes of all places)."""
    return _mean(_cross_entropies(logits, classes), classes.flatten() != IGNORED)


def _classify_rare(logits: Tensor, classes: Tensor) -> Tensor:
    """As `_classify`, of the places that hold something, and again of those that hold nothing.

    One place in thirty holds a character: in one mean for all, how they are read would hardly count.
    """
    losses, classes = _cross_entropies(logits, classes), classes.flatten()
    return _mean(losses, classes > NONE) + _mean(losses, classes == NONE)


def _cross_entropies(logits: Tensor, classes: Tensor) -> Tensor:
    """Of every place, 0 where it is ignored."""
    places = classes[:1].numel() or 1  # of each token
    of_each = logits.float().view(len(logits) * places, logits.shape[-1] // places)
    return functional.cross_entropy(of_each, classes.flatten(), ignore_index=IGNORED, reduction="none")


def _mean(losses: Tensor, chosen: Tensor) -> Tensor:
    return (losses * chosen).sum() / chosen.sum().clamp(min=1)
