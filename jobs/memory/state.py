"""What the memory store knows, and the few steps that several verbs share.

A job is submitted -> ready -> running -> ended. A conversation's `line` holds its unended jobs in the order
submitted; only the head of a line can be in `State.ready` or running, so jobs of one conversation never overlap.
"""

from collections import Counter

from jobs.answer import Cancelled, Delta, Ending, Failed
from jobs.conversation import ConversationId
from jobs.errors import QuestionUnknown
from jobs.job import Job, JobId
from jobs.memory.clock import Clock
from jobs.memory.records import JobRecord, JobState, StoredPicture, Thread
from jobs.settings import StoreSettings

FORGOTTEN = Cancelled(reason="forgotten")


class State:
    """One store's whole content."""

    def __init__(self, *, settings: StoreSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.records: dict[JobId, JobRecord] = {}
        self.threads: dict[ConversationId, Thread] = {}
        self.pictures: dict[tuple[str, str], StoredPicture] = {}  # (tenant, digest), least recently used first
        self.ready: dict[JobId, float] = {}  # heads of lines by virtual finish time
        self.waiting: Counter[str] = Counter()  # to be started, by tenant
        self.virtual_time = 0.0  # of the job claimed last
        self.finishes: dict[str, float] = {}  # by tenant: of its last turn
        self.mean_run_s: float | None = None
        self.live_until_s: dict[str, float] = {}  # by worker
        self.forgotten: list[tuple[ConversationId, int]] = []
        self.forgotten_at_s: dict[ConversationId, float] = {}
        self.forgotten_read: dict[str, int] = {}  # by worker: how far it has read
        self.leases: dict[str, tuple[str, float]] = {}  # name: holder, until

    @property
    def now_s(self) -> float:
        """The store's time."""
        return self.clock.now_s()

    @property
    def epoch_now(self) -> int:
        """The time, in microseconds: it rises even when nothing is remembered of a conversation's earlier life."""
        return int(self.now_s * 1e6)

    # ------------------------------------------------------------ looking up

    def record(self, job: JobId) -> JobRecord | None:
        """The job, unless its id has been forgotten."""
        record = self.records.get(job)
        if record is not None and record.known_until_s <= self.now_s:
            del self.records[job]
            return None
        return record

    def revisions(self, thread: Thread, source: str) -> list[JobRecord]:
        """Every revision of one question that is known."""
        ids = (
            JobId(tenant_key=thread.id.tenant_key, source=source, revision=revision)
            for revision in range(thread.newest[source] + 1)
        )
        return [record for record in map(self.record, ids) if record is not None]

    def thread(self, conversation: ConversationId) -> Thread:
        """The conversation, begun anew when it is unknown or has outlived its retention time."""
        self._drop_if_expired(conversation)
        if conversation not in self.threads:
            self.threads[conversation] = Thread(id=conversation, epoch=self.epoch_now, used_at_s=self.now_s)
        return self.threads[conversation]

    def knows(self, conversation: ConversationId) -> bool:
        """Whether anything is kept of it."""
        self._drop_if_expired(conversation)
        return conversation in self.threads

    def use(self, conversation: ConversationId) -> Thread:
        """The conversation, its retention time (and that of its pictures) starting again."""
        thread = self.thread(conversation)
        thread.used_at_s = self.now_s
        for digest in thread.digests:
            self.use_picture(conversation.tenant_key, digest)
        return thread

    def ready_in_order(self) -> list[JobId]:
        """Heads of lines as they will be claimed."""
        return sorted(self.ready, key=lambda job: (self.ready[job], str(job)))

    def sweep(self) -> None:
        """What has outlived its retention time goes."""
        for conversation in list(self.threads):
            self._drop_if_expired(conversation)
        for tenant_key, digest in list(self.pictures):
            self.live_picture(tenant_key, digest)

    def _drop_if_expired(self, conversation: ConversationId) -> None:
        thread = self.threads.get(conversation)
        if thread is None or thread.line or thread.used_at_s + self.settings.retention_s > self.now_s:
            return
        self.raise_epoch(thread)
        for digest in thread.digests:  # their bytes go by their own last use
            if picture := self.live_picture(conversation.tenant_key, digest):
                picture.users.discard(conversation)
        del self.threads[conversation]

    # ------------------------------------------------------------ a job's life

    def next_finish(self, tenant: str) -> float:
        """Start-time fair queueing: each tenant's jobs finish one virtual second apart, however many there are."""
        return max(self.virtual_time, self.finishes.get(tenant, 0.0)) + 1.0

    def give_back_turn(self, record: JobRecord) -> None:
        """Nobody began it: where its turn is still to come, another question of the tenant may have it."""
        if record.finish is not None and record.finish > self.virtual_time:
            self.finishes[record.job.conversation.tenant_key] -= 1.0

    def promote(self, thread: Thread) -> None:
        """Put the head of the line among the ready, when it can start."""
        if not thread.line:
            return
        head = self.records[thread.line[0]]
        if head.state is not JobState.READY or head.job.id in self.ready:
            return
        tenant = thread.id.tenant_key
        if head.finish is None:
            head.finish = self.next_finish(tenant)
            self.finishes[tenant] = head.finish
            head.held_until_s = self.now_s + self.settings.affinity_s
        self.ready[head.job.id] = head.finish
        self.clock.ring()

    def end(self, record: JobRecord, ending: Ending) -> None:
        """The one place where a job ends: one terminal event, out of the line, the next one promoted."""
        job = record.job
        if record.waits:
            self.waiting[job.conversation.tenant_key] -= 1
            self.give_back_turn(record)
        took_in = record.state is JobState.SUBMITTED
        record.state = JobState.ENDED
        record.ending = ending
        record.events.append(ending)
        self.ready.pop(job.id, None)
        thread = self.threads[job.conversation]
        thread.line.remove(job.id)
        self._unbring_all(thread, job.source, took_in=took_in)
        self.promote(thread)
        self.settle(record)
        self.clock.ring()

    def settle(self, record: JobRecord) -> None:
        """Ended and delivered: from now on only its id is remembered, against retried events."""
        if record.state is JobState.ENDED and record.delivered:
            record.known_until_s = self.now_s + self.settings.remember_ids_s

    def close_delivery(self, record: JobRecord) -> None:
        """Nothing more is owed to whoever asked."""
        record.delivered = True
        self.settle(record)

    def _unbring_all(self, thread: Thread, source: str, *, took_in: bool) -> None:
        """The pictures of a question that was not answered: nobody asks about them. Those of its intake go in any case."""
        if source not in thread.turns:
            thread.brought.pop(source, None)
            for record in map(self.records.__getitem__, thread.line):  # another revision of it may wait
                if record.job.source == source:
                    thread.bring(source, record.pictures)
        if took_in or source not in thread.turns:
            self.release_orphans(thread)

    # ------------------------------------------------------------ forgetting

    def drop_words(self, thread: Thread, source: str) -> None:
        """Nobody will know of the question any more, so nobody could have them forgotten."""
        for record in self.revisions(thread, source):
            if record.delivered:
                self._scrub_words(record)
                unknown = QuestionUnknown()
                record.ending = Failed(code=unknown.code, advice=unknown.sentence)
                record.events = [record.ending]

    def scrub(self, record: JobRecord) -> None:
        """Take the words out of a job, which ends; its conversation's epoch has risen."""
        self._scrub_words(record)
        if record.state is JobState.RUNNING:
            record.cancel = FORGOTTEN.reason
            self.clock.ring()
        elif record.state is JobState.ENDED:
            record.ending = FORGOTTEN
            record.events[-1] = FORGOTTEN
        else:
            self.end(record, FORGOTTEN)

    def _scrub_words(self, record: JobRecord) -> None:
        """What was asked, by whom, with which pictures, and what was answered."""
        husk = Job(
            conversation=record.job.conversation,
            source=record.job.source,
            revision=record.job.revision,
            kind=record.job.kind,
            reply_to=record.job.reply_to,
            patience_s=record.job.patience_s,
            accepted_at_s=record.job.accepted_at_s,
        )
        record.job, record.pictures, record.notices = husk, (), ()
        record.take_back_words()

    def raise_epoch(self, thread: Thread) -> None:
        """No cache of before can be mistaken, and every worker is told."""
        thread.epoch = max(thread.epoch + 1, self.epoch_now)
        thread.worker = None
        self.forgotten.append((thread.id, thread.epoch))

    def begin_anew(self, thread: Thread) -> None:
        """What is being answered there may rest on what is forgotten: the words so far go, and no commit counts."""
        self.raise_epoch(thread)
        head = self.records[thread.line[0]] if thread.line else None
        if head is not None and any(isinstance(event, Delta) for event in head.events):
            head.take_back_words()
            head.events.append(Delta(attempt=head.attempt, offset=0, text=""))
            self.clock.ring()

    # ------------------------------------------------------------ pictures

    def live_picture(self, tenant_key: str, digest: str) -> StoredPicture | None:
        """The picture, or None when it is gone or has outlived its retention time."""
        picture = self.pictures.get((tenant_key, digest))
        if picture is not None and picture.used_at_s + self.settings.retention_s <= self.now_s:
            del self.pictures[(tenant_key, digest)]
            return None
        return picture

    def use_picture(self, tenant_key: str, digest: str) -> StoredPicture | None:
        """The picture, from now on the last to be evicted."""
        picture = self.live_picture(tenant_key, digest)
        if picture is not None:
            picture.used_at_s = self.now_s
            self.pictures[(tenant_key, digest)] = self.pictures.pop((tenant_key, digest))
        return picture

    def takes_in_pictures(self, thread: Thread, *, but: str | None = None) -> bool:
        """Whether a question there has not said yet which pictures it brings: some that nobody brought may be its own.

        `but`: source of one that will never say.
        """
        return any(self.records[job].state is JobState.SUBMITTED and job.source != but for job in thread.line)

    def release_orphans(self, thread: Thread, *, but: str | None = None) -> int:
        """What nobody brought goes, as soon as it can be told; how many bytes are gone.

        Whoever ends an intake asks for it: a question may have been forgotten meanwhile.
        """
        if self.takes_in_pictures(thread, but=but):
            return 0
        return self.drop_pictures(thread, thread.digests - frozenset().union(*thread.brought.values()))

    def drop_pictures(self, thread: Thread, digests: set[str] | frozenset[str]) -> int:
        """The conversation no longer uses these; how many nobody uses now, whose bytes are gone."""
        gone = 0
        for digest in set(digests) & thread.digests:
            thread.digests.discard(digest)
            picture = self.pictures.get((thread.id.tenant_key, digest))
            if picture is None:
                continue
            picture.users.discard(thread.id)
            if not picture.users:
                del self.pictures[(thread.id.tenant_key, digest)]
                gone += 1
        return gone
