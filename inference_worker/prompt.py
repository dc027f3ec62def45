"""Phi-3's multi-turn prompt: token ids with picture slots, within the context budget.

The format is the model's own: every text chunk before, between and after pictures begins with BOS, and what stands
between two special tokens is tokenised by itself. So a turn's ids never depend on its neighbours, and the ids of a
longer conversation begin with those of a shorter one. What people write is tokenised with special tokens switched
off: nobody can type `<|end|>` and get it.
"""

from collections.abc import Callable, Sequence

import msgspec

from inference_worker.context import first_visible_turn
from inference_worker.dialogue import Dialogue
from inference_worker.engine.request import PictureKey, PictureSlot, Prompt
from inference_worker.errors import QuestionTooLong
from inference_worker.image.tiling import Tiling
from inference_worker.model.tokenizer import Tokenizer
from jobs import Picture, Turn


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

        `without` are digests of pictures whose bytes are gone: they are left out wherever they stood.

        Raises:
            QuestionTooLong: not even the question alone fits.
        """
        tenant = dialogue.conversation.tenant_key
        exchanges, shown = _settle(dialogue, without)
        questions = [self._question(tenant, pictures, turn.prompt or turn.question) for turn, pictures in exchanges]
        answers = [self._answer(turn) for turn, _ in exchanges]
        asked, left_out = self._fitting_question(tenant, shown, dialogue.question, reserve)
        first = first_visible_turn(
            [len(part) for part in [*questions, asked]],
            [len(part) for part in answers],
            context=self._context,
            reserve=reserve,
        )
        visible = [part for pair in zip(questions[first:], answers[first:], strict=True) for part in pair]
        prompt = _Part([self._tokenizer.bos_id]).then(*visible, asked)
        total = sum(len(pictures) for _, pictures in exchanges) + len(shown)
        return PlacedPrompt(
            prompt=Prompt(ids=tuple(prompt.ids), slots=tuple(prompt.slots)),
            pictures=prompt.pictures,
            notices=_notices(seen=len(prompt.slots), total=total, left_out=left_out, turns_gone=first),
        )

    def _fitting_question(
        self, tenant: str, pictures: Sequence[Picture], words: str, reserve: int
    ) -> tuple["_Part", int]:
        """The question with as many of its pictures, from the first on, as fit; how many do not."""
        room = self._context - reserve - 1  # BOS
        for kept in range(len(pictures), -1, -1):
            part = self._question(tenant, pictures[:kept], words)
            if len(part) <= room:
                return part, len(pictures) - kept
        raise QuestionTooLong(tokens=len(part), room=room)

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
        self.pictures: dict[PictureKey, Picture] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, ids: Sequence[int]) -> None:
        self.ids.extend(ids)

    def show(self, key: PictureKey, picture: Picture, tokens: int) -> None:
        self.slots.append(PictureSlot(start=len(self.ids), stop=len(self.ids) + tokens, key=key))
        self.ids.extend([key.slot_id] * tokens)
        self.pictures[key] = picture

    def then(self, *parts: "_Part") -> "_Part":
        for part in parts:
            shift = len(self.ids)
            self.slots += [
                PictureSlot(start=slot.start + shift, stop=slot.stop + shift, key=slot.key) for slot in part.slots
            ]
            self.ids += part.ids
            self.pictures |= part.pictures
        return self


def _settle(dialogue: Dialogue, without: frozenset[str]) -> tuple[list[tuple[Turn, list[Picture]]], list[Picture]]:
    """The answered turns with the pictures shown in each, and the pictures shown with the question.

    The pictures of a question that was never answered are shown with the next one.
    """
    exchanges: list[tuple[Turn, list[Picture]]] = []
    shown: list[Picture] = []
    for turn in dialogue.turns:
        shown += [picture for picture in turn.pictures if picture.digest not in without]
        if turn.answer:
            exchanges.append((turn, shown))
            shown = []
    shown += [picture for picture in dialogue.pictures if picture.digest not in without]
    return exchanges, shown


def _notices(*, seen: int, total: int, left_out: int, turns_gone: int) -> tuple[str, ...]:
    if left_out:
        return (f"Only {seen} of {total} pictures fit into the model's view; please ask about the others separately.",)
    if seen < total:
        return (f"Using the latest {seen} of {total} pictures: the conversation is longer than the model's view.",)
    if turns_gone:
        return ("The beginning of this conversation is out of the model's view by now.",)
    return ()
