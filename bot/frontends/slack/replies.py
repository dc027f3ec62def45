"""The replies of this process, so that what happens to their questions can find them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakValueDictionary

from bot.frontend import Posted
from bot.frontends.slack.files import Files
from bot.frontends.slack.place import Place
from bot.frontends.slack.posts import Posts
from bot.frontends.slack.reply import SlackReply
from bot.frontends.slack.workspaces import WebClients, Workspaces
from jobs import ConversationId, ConversationStore, Job, JobId

_REMEMBERED = 10_000
_submitting = ContextVar("_submitting", default=False)


class Replies:
    """They live as long as somebody delivers them; what they have posted is known for longer.

    Only for a question that this process has just submitted itself (`submitting`) has nobody posted before. A reply
    to any other is looked for in its thread first: whoever had its delivery may have died between post and record.
    """

    def __init__(
        self,
        *,
        workspaces: Workspaces,
        files: Files,
        clients: WebClients,
        conversations: ConversationStore,
    ) -> None:
        self._workspaces = workspaces
        self._files = files
        self._clients = clients
        self._conversations = conversations
        self._live: WeakValueDictionary[JobId, SlackReply] = WeakValueDictionary()
        self._places: OrderedDict[ConversationId, None] = OrderedDict()
        self._posts: WeakValueDictionary[tuple[str, str], Posts] = WeakValueDictionary()
        self._latest: OrderedDict[tuple[str, str], Posts] = OrderedDict()  # keeps those of `_posts` for a while

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """Questions are submitted in here. The task that delivers one inherits this; whoever adopts it does not."""
        token = _submitting.set(True)
        try:
            yield
        finally:
            _submitting.reset(token)

    def open(self, job: Job, posted: Sequence[str]) -> SlackReply:
        """The reply of a job. Two revisions of a question stand in the same place.

        A job that was refused changes nothing there, and nothing is known of it later.
        """
        place = Place.read(job.reply_to)
        if not job.accepted_at_s:
            return self._reply(job, Posts(place, (), is_sure=True), ())
        ids = [name for name in posted if "/" not in name]
        is_ours = _submitting.get()
        posts = self.posts_of(place, job.id, ids, is_first=is_ours and job.revision == 0)
        if not is_ours:
            posts.doubt()
        reply = self._live[job.id] = self._reply(job, posts, tuple(posted))
        self._places[job.conversation] = None
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)
        return reply

    def posts_of(self, place: Place, job: JobId, ids: Sequence[str] = (), *, is_first: bool = False) -> Posts:
        """What stands for a question; `ids` are what is known of it where this process does not know better."""
        key = (job.tenant_key, job.source)
        posts = self._posts.get(key)
        if posts is None:
            posts = self._posts[key] = Posts(place, ids, is_sure=is_first)
        self._latest[key] = posts
        self._latest.move_to_end(key)
        if len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        return posts

    def under_way(self, conversation: ConversationId) -> list[Job]:
        """The questions of a conversation that are being answered, in the order of asking."""
        jobs = (reply.job for reply in self.live(lambda job: job.conversation == conversation))
        return sorted(jobs, key=lambda job: (job.accepted_at_s, job.revision))

    def live(self, is_meant: Callable[[Job], bool]) -> list[SlackReply]:
        """The replies to these questions that somebody delivers still."""
        return [reply for reply in list(self._live.values()) if is_meant(reply.job)]

    def under_way_at(self, team: str, channel: str, thread: str) -> list[SlackReply]:
        """Those in one thread, which in a direct message is a part of the conversation."""
        at = (team, channel, thread)
        replies = (reply for reply in list(self._live.values()))
        return [reply for reply in replies if (reply.place.team, reply.place.channel, reply.place.thread) == at]

    def were_in(self, conversation: ConversationId) -> bool:
        """Something was asked in that conversation, not long ago."""
        return conversation in self._places

    def forget(self, conversation: ConversationId) -> None:
        """Whatever was asked there is forgotten."""
        self._places.pop(conversation, None)

    def _reply(self, job: Job, posts: Posts, posted: Posted) -> SlackReply:
        return SlackReply(
            job,
            posts,
            posted,
            workspaces=self._workspaces,
            files=self._files,
            clients=self._clients,
            conversations=self._conversations,
        )
