"""Decides what the next step runs: who is admitted, who decodes, who prefills how much, who must make room."""

from collections import deque
from collections.abc import Sequence as Rows

import msgspec

from inference_worker.engine.backend import Backend, Span
from inference_worker.engine.features import PictureFeatures
from inference_worker.engine.pace import PrefillPace
from inference_worker.engine.request import ConversationKey, Failure, Finished, Output, PictureKey, Request, Token
from inference_worker.engine.residents import Residents
from inference_worker.engine.sequence import Sequence
from inference_worker.model.phi3v import Phi3V

LEAST_COPIED = 16  # positions worth copying; fewer are computed as fast


class EngineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine may use."""

    context: int = 16_384  # tokens of one conversation, answer included
    max_sequences: int = 32  # answers in the making at once
    chunk_tokens: int = 512  # the most that one step prefills; less on slow machines, see `pace`
    crops_at_once: int = 17  # through the tower together: one picture at 16 crops; on a CPU always one picture
    kv_budget_bytes: int = 4 * 1024**3  # running and resident conversations together
    features_budget_bytes: int = 512 * 1024**2


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One sequence's share of a step: its next `tokens` positions."""

    sequence: Sequence
    tokens: int

    @property
    def span(self) -> Span:
        """What attention must know of it."""
        return Span(self.sequence.cache, self.tokens)

    @property
    def draws(self) -> bool:
        """Whether the step reaches the end of the sequence, so that its next token is drawn."""
        return self.tokens == self.sequence.uncomputed


class Scheduler:
    """Owns every sequence and every cache. Older requests come first wherever something is scarce."""

    def __init__(self, model: Phi3V, backend: Backend, features: PictureFeatures, limits: EngineLimits) -> None:
        self._model = model
        self._backend = backend
        self._features = features
        self._limits = limits
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []  # by age
        self._pace = PrefillPace(most=limits.chunk_tokens)
        self.residents = Residents()

    @property
    def is_empty(self) -> bool:
        """Nobody waits for anything."""
        return not self._waiting and not self._running

    def add(self, request: Request) -> None:
        """Queue a request."""
        self._waiting.append(Sequence(request, self._backend.new_cache()))

    def abort(self, request_id: str) -> None:
        """Stop a request wherever it is; what it has computed stays with its conversation."""
        for sequence in [*self._waiting, *self._running]:
            if sequence.request.id == request_id:
                self._end(sequence)

    def forget(self, name: str, epoch: int) -> None:
        """Drop every trace of a conversation under epochs older than `epoch`."""
        for sequence in [*self._waiting, *self._running]:
            key = sequence.request.conversation
            if key.name == name and key.epoch < epoch:
                self._remove(sequence)
                sequence.cache.release()
        self.residents.forget(name, epoch)
        self._features.forget(name, epoch)

    def fail(self, failed: dict[PictureKey, BaseException]) -> list[Output]:
        """End the requests that wait for pictures which cannot be had; not those that hold the features already."""
        outputs: list[Output] = []
        for sequence in list(self._running):
            missing = (slot.key for slot in sequence.open_slots() if slot.key not in sequence.features)
            error = next((failed[key] for key in missing if key in failed), None)
            if error is not None:
                self._end(sequence)
                outputs.append(Failure(request_id=sequence.request.id, error=error))
        return outputs

    def fail_all(self, error: BaseException) -> list[Output]:
        """End everything (a step broke); no cache is trusted any more."""
        everybody = [*self._waiting, *self._running]
        self._waiting.clear()
        self._running.clear()
        for sequence in everybody:
            sequence.cache.release()
        self.residents.clear()
        self._features.clear()
        return [Failure(request_id=sequence.request.id, error=error) for sequence in everybody]

    def next_batch(self) -> list[Row] | None:
        """The rows of the next step, with room made for them; None when there is nothing to run."""
        self._admit()
        for sequence in self._running:
            self._match_rope(sequence)
            self._collect_features(sequence)
        rows = self._make_room(self._choose_rows())
        return rows or None

    @property
    def is_decoding(self) -> bool:
        """Whether somebody waits for a next word."""
        return any(sequence.new_tokens for sequence in self._running)

    def append(self, rows: Rows[Row], token_ids: Rows[int], *, seconds: float) -> list[Output]:
        """Account for a step that has run for so long: `token_ids` are those of the rows that draw, in order."""
        prefilled = sum(row.tokens for row in rows if row.tokens > 1)
        if prefilled:
            self._pace.record(prefilled, seconds)
        outputs: list[Output] = []
        drawn = iter(token_ids)
        for row in rows:
            token_id = next(drawn) if row.draws else None
            row.sequence.cache.length += row.tokens
            row.sequence.release_features()
            if token_id is not None:
                outputs += self._append_token(row.sequence, token_id)
        return outputs

    def check_integrity(self) -> None:
        """What must hold between any two steps."""
        assert self._running_conversations().isdisjoint(self.residents.conversations()), "one cache a conversation"
        for sequence in self._running:
            assert sequence.cache.length < len(sequence.ids), "something is left to compute"
        caches = [sequence.cache for sequence in [*self._waiting, *self._running]]
        self._backend.check_integrity([*caches, *self.residents.caches()])
        self.residents.check_integrity()
        self._features.check_integrity()

    # ---------------------------------------------------------------- choosing

    def _admit(self) -> None:
        """Take waiting requests in while there is a place and, beside the running ones, memory for their prompt."""
        while self._waiting and len(self._running) < self._limits.max_sequences:
            promised = sum(_whole_bytes(sequence) for sequence in self._running)  # some have only just been taken in
            if self._running and promised + _whole_bytes(self._waiting[0]) > self._limits.kv_budget_bytes:
                return
            sequence = self._waiting.popleft()
            self._running.append(sequence)
            self._adopt_resident(sequence)

    def _adopt_resident(self, sequence: Sequence) -> None:
        """Go on from the conversation's own cache, or from a copy of another one that has more of the ids.

        Those that had made room, too: an earlier answer of the conversation may have left its cache meanwhile.
        """
        request = sequence.request
        long = self._model.rope.uses_long(len(sequence.ids))
        own = self.residents.take(request.conversation, sequence.ids, long=long) if request.resident else None
        if own is not None:
            sequence.adopt(own)
        donor, shared = self.residents.longest_match(request.conversation.tenant, sequence.ids, long=long)
        if donor is None or shared < sequence.cache.length + LEAST_COPIED:
            return
        while self._held_bytes() + sequence.cache.growth_bytes(shared) > self._limits.kv_budget_bytes:
            if not self.residents.drop_oldest(but=donor):
                return
        sequence.copy(donor, shared)
        for slot in request.prompt.slots:
            self._features.get(slot.key, request.conversation)  # they are this conversation's, too

    def _match_rope(self, sequence: Sequence) -> None:
        """Keys of the other rope factors are of no use: the sequence crossed the border and starts over."""
        long = self._model.rope.uses_long(len(sequence.ids))
        if sequence.cache.long != long:
            sequence.restart(long=long)

    def _collect_features(self, sequence: Sequence) -> None:
        for slot in sequence.open_slots():
            if slot.key not in sequence.features:
                features = self._features.get(slot.key, sequence.request.conversation)
                if features is None:
                    self._features.request(slot.key, sequence.request.conversation, sequence.request.load_crops)
                else:
                    sequence.features[slot.key] = features

    def _choose_rows(self) -> list[Row]:
        """Everybody who decodes, then prefill chunks: the shortest first, but half of them are the oldest's."""
        decoding = [sequence for sequence in self._running if sequence.uncomputed == 1]
        prefilling = [sequence for sequence in self._running if sequence.uncomputed > 1]
        rows = [Row(sequence=sequence, tokens=1) for sequence in decoding if sequence.runnable(1)]
        budget = self._pace.tokens(beside_decode=bool(decoding))
        oldest = prefilling[:1]
        by_length = sorted(prefilling, key=lambda sequence: sequence.uncomputed)  # the older first among equals
        oldest_share = budget if by_length[:1] == oldest else budget // 2
        for sequence in [*oldest, *(other for other in by_length if other not in oldest)]:
            tokens = sequence.runnable(oldest_share if sequence in oldest else budget)
            if tokens:
                rows.append(Row(sequence=sequence, tokens=tokens))
                budget -= tokens
        return rows

    # ---------------------------------------------------------------- memory

    def _make_room(self, rows: list[Row]) -> list[Row]:
        """Grow the caches of `rows` within the budget: idle conversations go first, then the youngest running."""
        while self._bytes_with(rows) > self._limits.kv_budget_bytes:
            if self.residents.drop_oldest():
                continue
            if len(self._running) == 1:
                break  # one conversation of at most `context` tokens always fits
            youngest = self._running.pop()
            youngest.restart(long=False)
            self._waiting.appendleft(youngest)
            rows = [row for row in rows if row.sequence is not youngest]
        for row in rows:
            row.sequence.cache.reserve(len(row.sequence.ids))  # the whole prompt: growing by chunks copies each time
        return rows

    def _bytes_with(self, rows: list[Row]) -> int:
        return self._held_bytes() + sum(row.sequence.cache.growth_bytes(len(row.sequence.ids)) for row in rows)

    def _held_bytes(self) -> int:
        return self._running_bytes() + self.residents.size_bytes

    def _running_bytes(self) -> int:
        return sum(sequence.cache.size_bytes for sequence in self._running)

    # ---------------------------------------------------------------- ending

    def _append_token(self, sequence: Sequence, token_id: int) -> list[Output]:
        request = sequence.request
        reason = sequence.finish_reason(token_id, context=self._limits.context)
        outputs: list[Output] = []
        if reason != "stop":
            sequence.ids.append(token_id)
            outputs.append(Token(request_id=request.id, token_id=token_id, cached_tokens=sequence.cached_tokens))
        if reason is not None:
            self._end(sequence)
            outputs.append(Finished(request_id=request.id, reason=reason, cached_tokens=sequence.cached_tokens))
        return outputs

    def _end(self, sequence: Sequence) -> None:
        """The conversation keeps the cache, unless a later answer of its own is in the making with another one."""
        self._remove(sequence)
        request, cache = sequence.request, sequence.cache
        if request.resident and cache.length and request.conversation not in self._running_conversations():
            self.residents.keep(request.conversation, sequence.ids[: cache.length], cache)
        else:
            cache.release()

    def _running_conversations(self) -> set[ConversationKey]:
        return {sequence.request.conversation for sequence in self._running if sequence.request.resident}

    def _remove(self, sequence: Sequence) -> None:
        (self._running if sequence in self._running else self._waiting).remove(sequence)


def _whole_bytes(sequence: Sequence) -> int:
    """What its cache takes once all of its ids are computed."""
    return sequence.cache.size_bytes + sequence.cache.growth_bytes(len(sequence.ids))
