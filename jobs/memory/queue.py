"""Both ends of the queue in one process."""

import itertools
from collections.abc import Sequence

import msgspec

from jobs.answer import Cancelled, Delta, Done, Ending, Started
from jobs.conversation import TURNS_KEPT, ConversationId, Turn
from jobs.errors import Fenced, NotTheLastTurn, QueueFull, RestsOnForgotten, TenantQueueFull
from jobs.job import Job, JobId
from jobs.memory.records import JobRecord, JobState, Thread
from jobs.memory.state import FORGOTTEN, State
from jobs.picture import Picture
from jobs.queue import LOOKAHEAD, RUN_TIME_WEIGHT, Cancellation, Claim, Position, Pulse, Submission

SUPERSEDED = Cancelled(reason="superseded")


class MemoryQueue:
    """`QueueIn` and `QueueOut`."""

    def __init__(self, state: State) -> None:
        self._state = state

    # ------------------------------------------------------------ QueueIn

    async def submit(self, job: Job, *, holder: str, ready: bool = False) -> Submission:
        """See `QueueIn.submit`."""
        state = self._state
        thread = state.thread(job.conversation)
        known = state.record(job.id) or self._newer_revision(thread, job)
        if known is not None:
            return Submission(job=known.job, joined=True)
        if job.revision > 0 and thread.last_source != job.source:
            raise NotTheLastTurn
        older = self._older_revision(thread, job)
        self._check_bounds(job.conversation.tenant_key, freed=int(older is not None and older.waits))
        if older is not None:
            self._supersede(older)

        record = JobRecord(job=msgspec.structs.replace(job, accepted_at_s=state.now_s), holder=holder)
        record.deadline_s = record.job.deadline_s
        record.delivery_until_s = state.now_s + state.settings.lease_s
        state.records[job.id] = record
        state.waiting[job.conversation.tenant_key] += 1
        thread.line.append(job.id)
        thread.last_source = job.source
        thread.askers.setdefault(job.source, job.asker)  # whoever has it answered again, it is one person's question
        thread.newest[job.source] = job.revision
        state.use(job.conversation)
        if ready:
            self._make_ready(record, (), ())
        return Submission(job=record.job)

    async def attach(self, job: JobId, pictures: Sequence[Picture], notices: Sequence[str] = ()) -> None:
        """See `QueueIn.attach`."""
        record = self._state.record(job)
        if record is None:
            return
        if record.state is JobState.SUBMITTED:
            self._make_ready(record, tuple(pictures), tuple(notices))
            self._state.release_orphans(self._state.thread(record.job.conversation))
        elif record.state is JobState.ENDED:
            # Stopped, edited or forgotten while its pictures came in: nobody answers with them.
            self._state.release_orphans(self._state.thread(record.job.conversation))

    async def end(self, job: JobId, ending: Ending) -> bool:
        """See `QueueIn.end`."""
        record = self._state.record(job)
        if record is None or record.state is JobState.ENDED:
            return False
        self._cancel(record, ending)
        return True

    async def position(self, job: JobId) -> Position | None:
        """See `QueueIn.position`."""
        state = self._state
        record = state.record(job)
        if record is None or not record.waits:
            return None
        line = state.threads[record.job.conversation].line
        head = state.records[line[0]]
        if line[0] in state.ready:
            others = state.ready_in_order().index(line[0])
        else:  # it is counted where it would stand if it became ready now
            finish = state.next_finish(record.job.conversation.tenant_key)
            others = sum(other < finish for other in state.ready.values())
        ahead = others + line.index(job) - (head.state is JobState.RUNNING)
        if state.mean_run_s is None:
            return Position(ahead=ahead)
        running = sum(other.state is JobState.RUNNING for other in state.records.values())
        turns = ahead + 1 if running else ahead
        return Position(ahead=ahead, wait_s=turns * state.mean_run_s / max(1, running))

    # ------------------------------------------------------------ QueueOut

    async def claim(self, *, worker: str, room: int, wait_s: float = 0.0) -> list[Claim]:
        """See `QueueOut.claim`."""
        state = self._state
        until_s = state.now_s + wait_s
        while True:
            claims = self._claim_ready(worker, room)
            if claims or state.now_s >= until_s:
                return claims
            holds = [state.records[job].held_until_s for job in state.ready]
            next_s = min([until_s, *(hold for hold in holds if hold > state.now_s)])
            await state.clock.wait(max(0.0, next_s - state.now_s))

    async def publish(self, claim: Claim, delta: Delta) -> None:
        """See `QueueOut.publish`."""
        record = self._running(claim)
        repeated = 0 < delta.offset < record.written or record.events[-1] == delta
        if repeated or record.cancel == FORGOTTEN.reason or self._is_stale(claim):
            return
        if delta.offset == 0 and record.written:
            record.take_back_words()
        record.written = delta.offset + len(delta.text)
        record.events.append(delta)
        self._state.clock.ring()

    async def commit(self, claim: Claim, ending: Ending, turn: Turn | None = None) -> None:
        """See `QueueOut.commit`."""
        state = self._state
        known = state.record(claim.job.id)
        if known is not None and known.committed == claim.attempt:
            return
        record = self._running(claim)
        thread = state.use(claim.job.conversation)
        if record.cancel is None and self._is_stale(claim):
            raise RestsOnForgotten(attempt=claim.attempt, job=claim.job.id, epoch=thread.epoch)
        if record.cancel == FORGOTTEN.reason:
            ending, turn = FORGOTTEN, None
        elif record.cancel is not None and self._is_stale(claim):
            record.take_back_words()
            ending, turn = Cancelled(reason=record.cancel), None
        if turn is not None:
            thread.worker = record.worker
            self._keep_turn(thread, turn)
        if isinstance(ending, Done):
            run_s = state.now_s - record.started_at_s
            mean_s = run_s if state.mean_run_s is None else state.mean_run_s
            state.mean_run_s = mean_s + RUN_TIME_WEIGHT * (run_s - mean_s)
        record.committed = claim.attempt
        # A newer revision of it speaks in the same place.
        state.end(record, SUPERSEDED if record.cancel == SUPERSEDED.reason else ending)

    async def heartbeat(self, *, worker: str, claims: Sequence[Claim]) -> Pulse:
        """See `QueueOut.heartbeat`."""
        state = self._state
        state.live_until_s[worker] = state.now_s + state.settings.lease_s
        cancellations, fenced = [], []
        for claim in claims:
            record = state.record(claim.job.id)
            if record is None or record.attempt != claim.attempt or record.state is not JobState.RUNNING:
                if record is None or record.committed != claim.attempt:
                    fenced.append(claim.job.id)
                continue
            record.leased_until_s = state.now_s + state.settings.lease_s
            if record.cancel is not None:
                cancellations.append(Cancellation(job=claim.job.id, reason=record.cancel))
        forgotten = self._read_forgotten(worker)
        return Pulse(cancellations=tuple(cancellations), fenced=tuple(fenced), forgotten=forgotten)

    # ------------------------------------------------------------ steps

    def _newer_revision(self, thread: Thread, job: Job) -> JobRecord | None:
        newest = thread.newest.get(job.source, -1)
        return self._state.record(_revision_of(job, newest)) if newest > job.revision else None

    def _older_revision(self, thread: Thread, job: Job) -> JobRecord | None:
        newest = thread.newest.get(job.source)
        return None if newest is None else self._state.record(_revision_of(job, newest))

    def _check_bounds(self, tenant: str, *, freed: int) -> None:
        settings, waiting = self._state.settings, self._state.waiting
        if waiting.total() - freed >= settings.max_waiting:
            raise QueueFull(limit=settings.max_waiting)
        if waiting[tenant] - freed >= settings.max_waiting_per_tenant:
            raise TenantQueueFull(limit=settings.max_waiting_per_tenant)

    def _make_ready(self, record: JobRecord, pictures: tuple[Picture, ...], notices: tuple[str, ...]) -> None:
        thread = self._state.use(record.job.conversation)
        record.pictures, record.notices, record.state = pictures, notices, JobState.READY
        thread.bring(record.job.source, pictures)
        self._state.promote(thread)

    def _cancel(self, record: JobRecord, ending: Ending) -> None:
        """End a waiting job, ask a running one to end; the first reason stands, but for a newer revision."""
        is_newer = ending == SUPERSEDED and record.cancel != FORGOTTEN.reason
        if record.waits:
            self._state.end(record, ending)
        elif record.state is JobState.RUNNING and (record.cancel is None or is_newer):
            record.cancel = ending.reason if isinstance(ending, Cancelled) else "stopped"

    def _supersede(self, older: JobRecord) -> None:
        """The newer revision speaks in the same place: what the older one would still say there comes too late."""
        if older.state is not JobState.ENDED:
            self._cancel(older, SUPERSEDED)
        elif not older.delivered:
            older.holder = ""
            self._state.close_delivery(older)

    def _claim_ready(self, worker: str, room: int) -> list[Claim]:
        state = self._state
        heads = state.ready_in_order()[: room + LOOKAHEAD]
        free = (job for job in heads if not self._is_held(state.records[job], worker))
        return [self._start(state.records[job], worker) for job in list(itertools.islice(free, room))]

    def _is_held(self, record: JobRecord, worker: str) -> bool:
        state = self._state
        if record.deadline_s <= state.now_s:
            return True  # the reaper is about to tell the asker
        keeper = state.threads[record.job.conversation].worker
        if keeper is None or keeper == worker or state.live_until_s.get(keeper, 0.0) <= state.now_s:
            return False
        return record.held_until_s > state.now_s

    def _start(self, record: JobRecord, worker: str) -> Claim:
        state, job = self._state, record.job
        state.virtual_time = max(state.virtual_time, state.ready.pop(job.id))
        state.waiting[job.conversation.tenant_key] -= 1
        state.live_until_s[worker] = state.now_s + state.settings.lease_s
        record.state, record.worker = JobState.RUNNING, worker
        record.attempt += 1
        record.written = 0
        record.started_at_s = state.now_s
        record.leased_until_s = state.now_s + state.settings.lease_s
        record.events.append(Started(attempt=record.attempt))
        epoch = state.thread(job.conversation).epoch
        state.clock.ring()
        return Claim(job=job, pictures=record.pictures, notices=record.notices, attempt=record.attempt, epoch=epoch)

    def _keep_turn(self, thread: Thread, turn: Turn) -> None:
        thread.turns[turn.source] = turn
        if len(thread.turns) <= 2 * TURNS_KEPT:
            return
        for source in list(thread.turns)[:-TURNS_KEPT]:
            self._state.drop_words(thread, source)
            thread.drop_source(source)
        for source in [source for source in thread.askers if source not in thread.turns]:
            if not self._state.revisions(thread, source):  # no turn takes it along
                thread.drop_source(source)
        self._state.raise_epoch(thread)
        self._state.release_orphans(thread)

    def _is_stale(self, claim: Claim) -> bool:
        """Something was forgotten since that the answer may rest on."""
        return claim.epoch < self._state.thread(claim.job.conversation).epoch

    def _running(self, claim: Claim) -> JobRecord:
        record = self._state.record(claim.job.id)
        if record is None or record.state is not JobState.RUNNING or record.attempt != claim.attempt:
            raise Fenced(attempt=claim.attempt, job=claim.job.id)
        return record

    def _read_forgotten(self, worker: str) -> tuple[tuple[ConversationId, int], ...]:
        state = self._state
        read = state.forgotten_read.get(worker, 0)
        state.forgotten_read[worker] = len(state.forgotten)
        return tuple(state.forgotten[read:])


def _revision_of(job: Job, revision: int) -> JobId:
    return JobId(tenant_key=job.conversation.tenant_key, source=job.source, revision=revision)
