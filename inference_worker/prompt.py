"""Phi-3's multi-turn prompt: token ids with picture slots, within the context budget.

The format is the model's own: every text chunk before, between and after pictures begins with BOS, and what stands
between two special tokens is tokenised by itself. So a turn's ids never depend on its neighbours, and the ids of a
longer conversation begin with those of a shorter one. What people write is tokenised with special tokens switched
off: nobody can type `<|end|>` and get it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from inference_worker.context import Length, choose_view
from inference_worker.dialogue import Dialogue
from inference_worker.engine.request import PictureKey, PictureSlot, Prompt
from inference_worker.errors import QuestionTooLong
from inference_worker.image.tiling import Tiling
from inference_worker.model.tokenizer import Tokenizer
from jobs import Picture, Turn, pictures_shown

Identity = tuple[int, str]  # of a picture in its conversation


class PlacedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, the pictures behind its slots, and what had to be left out (sentences for the person)."""

    prompt: Prompt
    pictures: dict[PictureKey, Picture]
    notices: tuple[str, ...] = ()


class PromptBuilder:
    """Builds prompts for one model. `tile` gives a picture's geometry from (width, height, max_crops).

    With `max_crops` every picture is cut like that: the model was trained with it. Else each has its own.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        tile: Callable[[int, int, int], Tiling],
        *,
        context: int,
        max_crops: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._tile = tile
        self._context = context
        self._max_crops = max_crops

    def build(self, dialogue: Dialogue, *, reserve: int, without: frozenset[str] = frozenset()) -> PlacedPrompt:
        """The dialogue as far as it fits beside `reserve` tokens for the answer.

        A picture that came again is shown again where it is out of view by then. `without` are digests of pictures
        whose bytes are gone: they are left out wherever they stood.

        Raises:
            QuestionTooLong: not even the question alone fits.
        """
        tenant = dialogue.conversation.tenant_key
        *past, asked = _settle(dialogue, without)
        room = self._context - 1 - reserve
        answers = [self._answer(exchange.answered) for exchange in past if exchange.answered]
        questions = [self._fitting(tenant, exchange, room) for exchange in [*past, asked]]
        if len(questions[-1]) > room:
            raise QuestionTooLong(tokens=len(questions[-1]), room=room)
        first, visible = self._choose(tenant, past, questions, answers, reserve)
        prompt = _Part([self._tokenizer.bos_id])
        for exchange, part, answer in zip(past[first:], visible, answers[first:], strict=True):
            prompt.then(self._unless_seen(tenant, exchange, part, prompt), answer)
        prompt.then(self._unless_seen(tenant, asked, questions[-1], prompt))
        return PlacedPrompt(
            prompt=Prompt(ids=tuple(prompt.ids), slots=tuple(prompt.slots)),
            pictures={self._key(tenant, picture): picture for picture in prompt.pictures},
            notices=_notices(
                seen={picture.identity for picture in prompt.pictures},
                known={picture.identity for exchange in [*past, asked] for picture in exchange.pictures},
                asked={picture.identity for picture in asked.pictures},
                turns_gone=first,
            ),
        )

    def _choose(
        self,
        tenant: str,
        past: Sequence["_Exchange"],
        questions: Sequence["_Part"],
        answers: Sequence["_Part"],
        reserve: int,
    ) -> tuple[int, list["_Part"]]:
        """The first turn in view, and the questions from there on; `questions` has the one that is asked as well."""
        half = self._context // 2
        answered = questions[:-1]
        least = [
            part if len(part) + len(answer) <= half else self._fitting(tenant, exchange, half - len(answer))
            for exchange, part, answer in zip(past, answered, answers, strict=True)
        ]
        view = choose_view(
            [len(part) for part in questions],
            [
                Length(whole=len(part) + len(answer), least=len(few) + len(answer))
                for part, answer, few in zip(answered, answers, least, strict=True)
            ],
            context=self._context - 1,  # BOS
            reserve=reserve,
        )
        visible = list(answered[view.first :])
        if view.is_tight:
            visible[0] = least[view.first]
        return view.first, visible

    def _fitting(self, tenant: str, exchange: "_Exchange", room: int) -> "_Part":
        """The question with as many of its pictures as fit; with none of them, whether it fits or not."""
        for pictures in exchange.choices():
            part = self._question(tenant, pictures, exchange.words)
            if len(part) <= room:
                break
        return part

    def _unless_seen(self, tenant: str, exchange: "_Exchange", part: "_Part", before: "_Part") -> "_Part":
        """The part of a question, without those of its pictures that came `again` and can be seen before it."""
        again = {picture.identity for picture in exchange.again} & {picture.identity for picture in before.pictures}
        if not again:
            return part
        shown = [picture for picture in part.pictures if picture.identity not in again]
        return self._question(tenant, shown, exchange.words)

    def _question(self, tenant: str, pictures: Sequence[Picture], words: str) -> "_Part":
        """User, a line for each picture, the words, end, assistant (it swallows the newline after it)."""
        tokenizer = self._tokenizer
        newline = tokenizer.encode("\n", bos=False)
        part = _Part([tokenizer.user_id])
        for picture in pictures:
            part.extend(newline)
            part.show(self._key(tenant, picture), picture, self._slot_tokens(picture))
            part.extend([tokenizer.bos_id])
        part.extend(tokenizer.encode_untrusted(f"\n{words}"))
        part.extend([tokenizer.end_id, *newline, tokenizer.assistant_id])
        return part

    def _answer(self, turn: Turn) -> "_Part":
        """The answer and end, with the ids as they were generated where this tokeniser made them."""
        tokenizer = self._tokenizer
        usable = turn.token_ids and turn.fingerprint == tokenizer.fingerprint
        ids = turn.token_ids if usable else tokenizer.encode_untrusted(turn.answer.lstrip())
        return _Part([*ids, tokenizer.end_id, *tokenizer.encode("\n", bos=False)])

    def _key(self, tenant: str, picture: Picture) -> PictureKey:
        return PictureKey(tenant=tenant, digest=picture.digest, max_crops=self._crops(picture))

    def _slot_tokens(self, picture: Picture) -> int:
        return self._tile(picture.width, picture.height, self._crops(picture)).tokens

    def _crops(self, picture: Picture) -> int:
        return self._max_crops or picture.max_crops


class _Part:
    """Ids and slots in the making."""

    def __init__(self, ids: Sequence[int] = ()) -> None:
        self.ids = list(ids)
        self.slots: list[PictureSlot] = []
        self.pictures: list[Picture] = []  # of the slots

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, ids: Sequence[int]) -> None:
        self.ids.extend(ids)

    def show(self, key: PictureKey, picture: Picture, tokens: int) -> None:
        self.slots.append(PictureSlot(start=len(self.ids), stop=len(self.ids) + tokens, key=key))
        self.ids.extend([key.slot_id] * tokens)
        self.pictures.append(picture)

    def then(self, *parts: "_Part") -> "_Part":
        for part in parts:
            shift = len(self.ids)
            self.slots += [
                PictureSlot(start=slot.start + shift, stop=slot.stop + shift, key=slot.key) for slot in part.slots
            ]
            self.ids += part.ids
            self.pictures += part.pictures
        return self


class _Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its pictures: its own, earlier ones that came `again`, those `carried` on from unanswered ones."""

    words: str
    answered: Turn | None = None  # None: it is being asked
    carried: tuple[Picture, ...] = ()
    again: tuple[Picture, ...] = ()
    own: tuple[Picture, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Each once, in the order in which they are shown."""
        return tuple({picture.identity: picture for picture in (*self.carried, *self.again, *self.own)}.values())

    def choices(self) -> Iterator[tuple[Picture, ...]]:
        """All pictures, and ever fewer of them: first those that it did not bring go, the oldest before the others."""
        meant = tuple({picture.identity: picture for picture in (*self.again, *self.own)}.values())
        yield self.pictures
        others = [picture for picture in self.carried if picture not in meant]
        for gone in range(1, len(others)):
            yield (*others[gone:], *meant)
        for kept in range(len(meant), -1, -1):
            yield meant[:kept]


def _settle(dialogue: Dialogue, without: frozenset[str]) -> list[_Exchange]:
    """The answered questions, and the one that is asked.

    The pictures of a question that was never answered are shown with the next one; of those that came again, the ones
    that no other turn shows.
    """
    shown: defaultdict[str, list[Picture]] = defaultdict(list)
    for source, picture in pictures_shown(dialogue.turns):
        shown[source].append(picture)

    def there(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
        return tuple(picture for picture in pictures if picture.digest not in without)

    exchanges: list[_Exchange] = []
    carried: tuple[Picture, ...] = ()
    for turn in dialogue.turns:
        if turn.answer:
            words = turn.prompt or turn.question
            again, own = there(turn.again), there(turn.pictures)
            exchanges.append(_Exchange(words=words, answered=turn, carried=carried, again=again, own=own))
            carried = ()
        else:
            carried += there(shown[turn.source])
    again, own = there(dialogue.again), there(dialogue.pictures)
    return [*exchanges, _Exchange(words=dialogue.question, carried=carried, again=again, own=own)]


def _notices(*, seen: set[Identity], known: set[Identity], asked: set[Identity], turns_gone: int) -> tuple[str, ...]:
    """From the pictures that the model sees, all of the conversation, and those that the question is about."""
    counts = f"{len(seen)} of {len(known)} pictures"
    if asked - seen:
        return (f"Only {counts} fit into the model's view; please ask about the others separately.",)
    if known - seen:
        return (f"Using {counts}: the conversation is longer than the model's view.",)
    if turns_gone:
        return ("The beginning of this conversation is out of the model's view by now.",)
    return ()
