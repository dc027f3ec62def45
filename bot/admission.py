"""May this person ask, here, now. What may be asked, and how much can wait, is not decided here."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from bot.errors import NotAllowed, RateLimited
from bot.mention import Mention
from jobs import JobId

_REMEMBERED = 10_000  # buckets of a kind, and questions; the least recently used bucket beyond them starts full again
_ROUNDING_S = 1e-6  # what adding up tokens loses, which nobody waits for


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """Who is let in. An empty `allow` lets everybody in; `deny` wins."""

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def denies(self, names: frozenset[str]) -> bool:
        """One of these names is to be kept out."""
        return bool(self.deny & names)

    def allows(self, names: frozenset[str]) -> bool:
        """One of these names is let in by name."""
        return bool(self.allow & names)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`burst` questions at once, then one every `60 / per_minute` seconds."""

    per_minute: float
    burst: int


class Buckets:
    """A token bucket for each name."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self._per_second = rate.per_minute / 60
        self._burst = rate.burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at this time in seconds

    def wait_s(self, name: str) -> float:
        """Seconds until a token is there; 0 when one is."""
        return max(0.0, (1 - self._level(name)) / self._per_second)

    def take(self, name: str) -> None:
        """Take a token that is there."""
        self._levels[name] = (self._level(name) - 1, self._clock())
        self._levels.move_to_end(name)
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)

    def _level(self, name: str) -> float:
        now = self._clock()
        tokens, then = self._levels.get(name, (self._burst, now))
        return min(self._burst, tokens + (now - then) * self._per_second)


class Admission:
    """Allow and deny lists, then the rates of the person and of the tenant. In this process only.

    A question is admitted once: when the platform sends it again it is let in again, at no cost.
    """

    def __init__(
        self,
        *,
        users: Lists,
        roles: Lists,
        channels: Lists,
        tenants: Lists,
        user_rate: Rate,
        tenant_rate: Rate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = users
        self._roles = roles
        self._channels = channels
        self._tenants = tenants
        self._per_user = Buckets(user_rate, clock)
        self._per_tenant = Buckets(tenant_rate, clock)
        self._admitted: OrderedDict[JobId, None] = OrderedDict()

    def admit(self, mention: Mention) -> None:
        """Let the mention in, or say why not.

        Raises:
            NotAllowed: not this person, or not here.
            RateLimited: not now.
        """
        if mention.from_owner:
            return
        self._check_lists(mention)
        tenant = mention.conversation.tenant_key
        question = JobId(tenant_key=tenant, source=mention.source, revision=mention.revision)
        if question in self._admitted:
            return
        user = f"{tenant}:{mention.asker}"
        wait_s = max(self._per_user.wait_s(user), self._per_tenant.wait_s(tenant)) - _ROUNDING_S
        if wait_s > 0:
            raise RateLimited(wait_s=math.ceil(wait_s))  # whoever waits that long is let in
        self._per_user.take(user)
        self._per_tenant.take(tenant)
        self._admitted[question] = None
        if len(self._admitted) > _REMEMBERED:
            self._admitted.popitem(last=False)

    def _check_lists(self, mention: Mention) -> None:
        user = frozenset({mention.asker})
        places = (
            (self._channels, frozenset({mention.conversation.channel})),
            (self._tenants, frozenset({mention.conversation.tenant})),
        )
        if self._users.denies(user) or self._roles.denies(mention.roles):
            raise NotAllowed
        # A person is let in by name or by role; a place must be on each list of places that there is.
        named = self._users.allow or self._roles.allow
        if named and not (self._users.allows(user) or self._roles.allows(mention.roles)):
            raise NotAllowed
        for lists, names in places:
            if lists.denies(names) or (lists.allow and not lists.allows(names)):
                raise NotAllowed
