"""A dialogue as the model learns it: the product's own prompt and pixels, what is to be said, and where it is seen."""

import bisect
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from torch import Tensor

from inference_worker.dialogue import Dialogue as Asked
from inference_worker.image.processor import ImageProcessor
from inference_worker.image.tiling import Tiling
from inference_worker.model.config import read_config
from inference_worker.model.tokenizer import Tokenizer
from inference_worker.presets import read_presets
from inference_worker.prompt import PromptBuilder
from jobs import ConversationId, JobId, JobKind, Picture, PictureRef, Sampling, Turn
from jobs.errors import PictureGone
from training.dialogue import Dialogue, Exchange, Task
from training.drawing import Box
from training.labels import TokenLabels, label_tokens
from training.lookups import TokenLookups, look_up_tokens
from training.measures import TokenMeasures, measure_tokens
from training.placement import Placement
from training.shares import TokenShares, share_tokens
from training.spans import spans_of

CONVERSATION = ConversationId(platform="training", tenant="-", channel="-")
CONTEXT = 1 << 20  # nothing is ever left out of a sample
# Of a channel, normalised: 20 of 255 steps. What is drawn anew in the same colour differs by less.
VISIBLE = 0.3


class Target(msgspec.Struct, frozen=True):
    """A token that is to be said: predicted at `row`, for the exchange of this place; `cited` rows show it."""

    row: int
    token: int
    exchange: int
    cited: tuple[int, ...] = ()


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A name in a question that stands in a picture: its last token is at `row`."""

    row: int
    read: tuple[int, ...]  # rows on which it stands in the parts
    known: tuple[int, ...]  # those, and of the whole picture, that know how large its mark is
    value: float  # of the mark; NaN where there is none


class Pair(msgspec.Struct, frozen=True):
    """Two names that a question compares, by the rows of their last tokens: the answer begins after `row`."""

    row: int
    first: int
    second: int
    lead: float  # how much larger the first one's mark is; NaN is unknown


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A picture in a sample: its rows are `start` .. `start + tiling.tokens`.

    `changed` says of each token of the parts grid whether the picture before this one shows something else there,
    which is `earlier`; None without one of the same geometry.
    """

    start: int
    tiling: Tiling
    crops: Tensor  # (crops, 3, S, S) in bfloat16, which the product computes in
    labels: TokenLabels
    measures: TokenMeasures
    shares: TokenShares
    lookups: TokenLookups
    changed: Tensor | None = None  # (tokens,) bool
    earlier: "Seen | None" = None  # the picture before, where `changed` is known


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue in ids (0 in the rows of pictures), up to the last token that predicts something."""

    ids: tuple[int, ...]
    targets: tuple[Target, ...]
    names: tuple[Named, ...]
    pairs: tuple[Pair, ...]
    pictures: tuple[Seen, ...]
    tasks: tuple[str, ...]  # of each exchange


class SampleBuilder:
    """Builds samples for the model whose files are in a folder (weights are not needed)."""

    def __init__(self, folder: Path) -> None:
        config = read_config(folder)
        self._tokenizer = Tokenizer(folder)
        self._processor = ImageProcessor(config.image)
        self._max_crops = read_presets(folder).max_crops or config.image.num_crops
        self._prompts = PromptBuilder(self._tokenizer, self._tile, context=CONTEXT, max_crops=self._max_crops)

    def build(self, dialogue: Dialogue) -> Sample:
        """The dialogue whole, as the conversation stands when its last answer has been said."""
        *earlier, last = dialogue.exchanges
        pictures = [self._picture(place, drawing.image.size) for place, drawing in enumerate(dialogue.pictures)]
        asked = Asked(
            job=JobId(tenant_key=CONVERSATION.tenant_key, source=str(len(earlier))),
            conversation=CONVERSATION,
            epoch=0,
            turns=tuple(_turn(place, exchange, pictures) for place, exchange in enumerate(earlier)),
            kind=JobKind.ASK,
            question=last.question,
            pictures=tuple(pictures[place] for place in last.shows),
            sampling=Sampling(),
            load_picture=_no_picture,
        )
        prompt = self._prompts.build(asked, reserve=0).prompt
        ids = [*prompt.ids, *self._tokenizer.encode_untrusted(last.text), self._tokenizer.end_id]
        order = [place for exchange in dialogue.exchanges for place in exchange.shows]
        starts = dict(zip(order, (slot.start for slot in prompt.slots), strict=True))
        placements = {place: self._place(dialogue.pictures[place].image.size) for place in order}
        pictures_seen = tuple(self._look(dialogue, order, starts, placements))
        shown = dict(zip(order, pictures_seen, strict=True))
        names = tuple(self._names(ids, dialogue.exchanges, shown, placements))
        return Sample(
            ids=tuple(max(token, 0) for token in ids[:-1]),
            targets=tuple(self._targets(ids, dialogue.exchanges, starts, placements)),
            names=names,
            pairs=tuple(self._pairs(ids, dialogue.exchanges, names)),
            pictures=pictures_seen,
            tasks=tuple(exchange.task.value for exchange in dialogue.exchanges),
        )

    def _targets(
        self,
        ids: Sequence[int],
        exchanges: Sequence[Exchange],
        starts: dict[int, int],
        placements: dict[int, Placement],
    ) -> Iterator[Target]:
        """What follows each `<|assistant|>`, up to and with `<|end|>`."""
        for place, (start, exchange) in enumerate(zip(self._answer_rows(ids), exchanges, strict=True)):
            stop = ids.index(self._tokenizer.end_id, start)
            for row, span in enumerate(spans_of(self._tokenizer, ids[start + 1 : stop]), start):
                cited = {
                    starts[picture] + shown
                    for picture, boxes, spelled in cites(exchange, span)
                    for shown in _rows(placements[picture], boxes, spelled=spelled)
                }
                yield Target(row, ids[row + 1], place, tuple(sorted(cited)))
            yield Target(stop - 1, ids[stop], place)

    def _names(
        self,
        ids: Sequence[int],
        exchanges: Sequence[Exchange],
        shown: dict[int, Seen],
        placements: dict[int, Placement],
    ) -> Iterator[Named]:
        """The words of a question stand between the line before them and `<|end|>`, then comes `<|assistant|>`."""
        for row, exchange in zip(self._answer_rows(ids), exchanges, strict=True):
            words = self._tokenizer.encode_untrusted(f"\n{exchange.question}")
            first = row - ids[row::-1].index(self._tokenizer.end_id) - len(words)
            lasts = [stop - len("\n") for _, stop in spans_of(self._tokenizer, words)]
            for quote in exchange.quotes:
                picture = quote.cite.picture
                last = first + bisect.bisect_left(lasts, quote.stop)
                yield _name(last, quote.cite.boxes, shown[picture], placements[picture])

    def _pairs(self, ids: Sequence[int], exchanges: Sequence[Exchange], names: Sequence[Named]) -> Iterator[Pair]:
        coming = iter(names)
        for row, exchange in zip(self._answer_rows(ids), exchanges, strict=True):
            match exchange.task, [next(coming) for _ in exchange.quotes]:
                case Task.COMPARISON, [first, second]:
                    yield Pair(row, first.row, second.row, first.value - second.value)

    def _answer_rows(self, ids: Sequence[int]) -> list[int]:
        """Of each `<|assistant|>`: an answer begins after it. People's words cannot contain it."""
        return [row for row, token in enumerate(ids) if token == self._tokenizer.assistant_id]

    def _look(
        self, dialogue: Dialogue, order: Sequence[int], starts: dict[int, int], placements: dict[int, Placement]
    ) -> Iterator[Seen]:
        before: Seen | None = None
        for place in order:
            drawing, placement = dialogue.pictures[place], placements[place]
            crops = self._processor.crops(drawing.image, max_crops=self._max_crops)
            pixels = crops.pixels.bfloat16()
            comparable = before if before and before.tiling == crops.tiling else None
            before = Seen(
                start=starts[place],
                tiling=crops.tiling,
                crops=pixels,
                labels=label_tokens(drawing, placement),
                measures=measure_tokens(drawing, placement),
                shares=share_tokens(drawing, placement),
                lookups=look_up_tokens(drawing, placement),
                changed=changed_tokens(comparable.crops, pixels, crops.tiling) if comparable else None,
                earlier=comparable,
            )
            yield before

    def _tile(self, width: int, height: int, max_crops: int) -> Tiling:
        return self._processor.tile(width, height, max_crops=max_crops)

    def _place(self, size: tuple[int, int]) -> Placement:
        width, height = size
        return Placement(self._tile(width, height, self._max_crops), width=width, height=height)

    def _picture(self, place: int, size: tuple[int, int]) -> Picture:
        ref = PictureRef(platform="training", origin=str(place))
        return Picture(
            digest=str(place), width=size[0], height=size[1], ref=ref, max_crops=self._max_crops, number=place + 1
        )


def cites(exchange: Exchange, span: tuple[int, int]) -> Iterator[tuple[int, tuple[Box, ...], bool]]:
    """Where the characters `span` of the answer can be seen: pictures, boxes in their pixels, whether they are read."""
    start = 0
    for piece in exchange.answer:
        first, last = max(span[0], start), min(span[1], start + len(piece.text))
        if piece.cite and first < last:
            boxes = piece.cite.boxes[first - start : last - start] if piece.spelled else piece.cite.boxes
            yield piece.cite.picture, tuple(box for box in boxes if box[2] > box[0]), piece.spelled
        start += len(piece.text)


def _rows(placement: Placement, boxes: tuple[Box, ...], *, spelled: bool) -> list[int]:
    """Letters are read in the parts only; what is spoken of can be seen in the whole picture too."""
    return placement.rows(boxes) + ([] if spelled else placement.rows_of_whole(boxes))


def _name(row: int, boxes: tuple[Box, ...], picture: Seen, placement: Placement) -> Named:
    full = tuple(box for box in boxes if box[2] > box[0])
    read = placement.rows(full)
    values = dict(zip(picture.lookups.rows.tolist(), picture.lookups.values.tolist(), strict=True))
    known = [there for there in (*read, *placement.rows_of_whole(full)) if not math.isnan(values.get(there, math.nan))]
    return Named(
        row=row,
        read=tuple(picture.start + there for there in read),
        known=tuple(picture.start + there for there in known),
        value=values[known[0]] if known else math.nan,
    )


def changed_tokens(before: Tensor, after: Tensor, tiling: Tiling) -> Tensor:
    """Whether each token of the parts grid shows something else, (tokens,) bool, line by line; of (crops, 3, S, S)."""
    side, size = tiling.tokens_per_side, tiling.crop_size // tiling.tokens_per_side
    differs = (before[1:] - after[1:]).abs().amax(1) > VISIBLE  # (parts, S, S)
    cells = differs.view(tiling.rows, tiling.columns, side, size, side, size).any(5).any(3)
    return cells.transpose(1, 2).reshape(-1)  # (rows, side, columns, side) flat


def _turn(place: int, exchange: Exchange, pictures: Sequence[Picture]) -> Turn:
    return Turn(
        source=str(place),
        kind=JobKind.ASK.value,
        question=exchange.question,
        prompt=exchange.question,
        pictures=tuple(pictures[shown] for shown in exchange.shows),
        answer=exchange.text,
    )


async def _no_picture(picture: Picture) -> bytes:
    raise PictureGone(number=picture.number)
