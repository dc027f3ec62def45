import msgspec
import pytest

from bot.admission import Admission, Lists, Rate
from bot.errors import NotAllowed, RateLimited
from bot.mention import Mention
from jobs import ConversationId
from tests.bot.fakes import mention

NOBODY = Lists()
OFTEN = Rate(per_minute=6000, burst=1000)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admission_with(
    clock: Clock | None = None,
    *,
    users: Lists = NOBODY,
    roles: Lists = NOBODY,
    channels: Lists = NOBODY,
    tenants: Lists = NOBODY,
    user_rate: Rate = OFTEN,
    tenant_rate: Rate = OFTEN,
) -> Admission:
    return Admission(
        users=users,
        roles=roles,
        channels=channels,
        tenants=tenants,
        user_rate=user_rate,
        tenant_rate=tenant_rate,
        clock=clock or Clock(),
    )


def asking(
    asker: str = "ann",
    *,
    roles: tuple[str, ...] = (),
    channel: str = "C1",
    tenant: str = "T1",
    owner: bool = False,
    source: str = "",
    revision: int = 0,
) -> Mention:
    where = ConversationId(platform="fake", tenant=tenant, channel=channel, thread="t")
    asked = mention(where=where, asker=asker, source=source, revision=revision)
    return msgspec.structs.replace(asked, roles=frozenset(roles), from_owner=owner)


def of(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_without_lists_everybody_may_ask() -> None:
    admission_with().admit(asking())


@pytest.mark.parametrize(
    "kept_out",
    [
        {"users": Lists(deny=of("ann"))},
        {"users": Lists(allow=of("bob"))},
        {"roles": Lists(deny=of("guest"))},
        {"roles": Lists(allow=of("admin"))},
        {"channels": Lists(deny=of("C1"))},
        {"channels": Lists(allow=of("C2"))},
        {"tenants": Lists(deny=of("T1"))},
        {"tenants": Lists(allow=of("T2"))},
    ],
    ids=str,
)
def test_each_list_keeps_out(kept_out: dict[str, Lists]) -> None:
    with pytest.raises(NotAllowed):
        admission_with(**kept_out).admit(asking(roles=("guest",)))  # type: ignore[arg-type]  # one list by name


def test_a_role_lets_in_who_is_not_named() -> None:
    admission = admission_with(users=Lists(allow=of("bob")), roles=Lists(allow=of("staff")))
    admission.admit(asking("ann", roles=("staff",)))
    admission.admit(asking("bob"))
    with pytest.raises(NotAllowed):
        admission.admit(asking("ann", roles=("guest",)))


def test_deny_wins_over_allow() -> None:
    admission = admission_with(users=Lists(allow=of("ann"), deny=of("ann")))
    with pytest.raises(NotAllowed):
        admission.admit(asking("ann"))


def test_an_allowed_person_in_a_place_that_is_not_listed_is_kept_out() -> None:
    admission = admission_with(users=Lists(allow=of("ann")), channels=Lists(allow=of("C2")))
    with pytest.raises(NotAllowed):
        admission.admit(asking("ann", channel="C1"))
    admission.admit(asking("ann", channel="C2"))


def test_the_person_is_told_when_to_come_back_and_may_then(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=1.5, burst=2))
    admission.admit(asking())
    admission.admit(asking())
    with pytest.raises(RateLimited) as refused:
        admission.admit(asking())
    assert refused.value.sentence.endswith("Please try again in 40 s.")
    clock.now_s += 40
    admission.admit(asking())


@pytest.mark.parametrize("per_minute", [0.7, 1.5, 7.0, 12.0, 59.0])
def test_whoever_comes_back_when_told_to_is_let_in_and_a_second_earlier_is_not(clock: Clock, per_minute: float) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=per_minute, burst=2))
    told_s = []
    for step_s in (0.0, 0.0, 0.3, 0.0, 0.0):
        clock.now_s += step_s
        try:
            admission.admit(asking())
        except RateLimited as refused:
            wait_s = refused.facts["wait_s"]
            told_s.append(wait_s)
            clock.now_s += wait_s - 1.001
            with pytest.raises(RateLimited):
                admission.admit(asking())
            clock.now_s += 1.001
            admission.admit(asking())
    assert told_s
    assert all(isinstance(wait_s, int) and wait_s >= 1 for wait_s in told_s)


def test_the_longer_of_two_waits_is_told(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=6, burst=1), tenant_rate=Rate(per_minute=2, burst=1))
    admission.admit(asking())
    with pytest.raises(RateLimited) as refused:
        admission.admit(asking())
    assert refused.value.facts["wait_s"] == 30


def test_a_question_that_the_platform_sends_again_costs_nothing(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=1, burst=1))
    for _ in range(5):
        admission.admit(asking(source="m1"))
    with pytest.raises(RateLimited):
        admission.admit(asking(source="m1", revision=1))
    with pytest.raises(RateLimited):
        admission.admit(asking(source="m2"))


def test_a_question_of_somebody_denied_meanwhile_is_not_let_in_again() -> None:
    admission = admission_with(users=Lists(deny=of("bob")))
    with pytest.raises(NotAllowed):
        admission.admit(asking("bob", source="m1"))
    with pytest.raises(NotAllowed):
        admission.admit(asking("bob", source="m1"))


def test_every_kind_of_list_at_once() -> None:
    admission = admission_with(
        users=Lists(allow=of("ann"), deny=of("eve")),
        roles=Lists(allow=of("staff"), deny=of("muted")),
        channels=Lists(allow=of("C1", "C2"), deny=of("C2")),
        tenants=Lists(allow=of("T1"), deny=of("T2")),
    )
    let_in = [asking("ann"), asking("bob", roles=("staff",)), asking("bob", roles=("guest", "staff"))]
    kept_out = [
        asking("bob"),  # neither by name nor by role
        asking("eve", roles=("staff",)),
        asking("ann", roles=("muted",)),
        asking("ann", channel="C2"),  # on both lists: deny wins
        asking("ann", channel="C3"),
        asking("ann", tenant="T2"),
        asking("ann", tenant="T3"),
    ]
    for asked in let_in:
        admission.admit(asked)
    for asked in kept_out:
        with pytest.raises(NotAllowed):
            admission.admit(asked)


def test_one_persons_haste_is_not_anothers(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=1, burst=1))
    admission.admit(asking("ann"))
    admission.admit(asking("bob"))
    admission.admit(asking("ann", tenant="T2"))
    with pytest.raises(RateLimited):
        admission.admit(asking("ann"))


def test_a_tenant_has_a_rate_of_its_own(clock: Clock) -> None:
    admission = admission_with(clock, tenant_rate=Rate(per_minute=60, burst=3))
    for asker in ("ann", "bob", "cat"):
        admission.admit(asking(asker))
    with pytest.raises(RateLimited):
        admission.admit(asking("dan"))
    admission.admit(asking("dan", tenant="T2"))


def test_being_refused_costs_nothing(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=60, burst=1))
    admission.admit(asking())
    for _ in range(10):
        with pytest.raises(RateLimited):
            admission.admit(asking())
    clock.now_s += 1
    admission.admit(asking())


def test_patience_saves_up_no_more_than_a_burst(clock: Clock) -> None:
    admission = admission_with(clock, user_rate=Rate(per_minute=60, burst=2))
    clock.now_s += 3600
    admission.admit(asking())
    admission.admit(asking())
    with pytest.raises(RateLimited):
        admission.admit(asking())


def test_the_owner_of_the_machine_is_always_admitted(clock: Clock) -> None:
    admission = admission_with(clock, users=Lists(allow=of("bob")), user_rate=Rate(per_minute=1, burst=1))
    for _ in range(5):
        admission.admit(asking("owner", owner=True))
