"""How answers are drawn where a job does not say, and the seed that makes a second try the same."""

import msgspec

from jobs import JobId, Sampling, digest_of

SEED_BITS = 63  # what torch's generators and the servers take


class SamplingDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """Greedy, at most 1,000 new tokens."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 1000

    def fill(self, wanted: Sampling) -> "SamplingDefaults":
        """These, but for what a job asks for."""
        given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
        return msgspec.structs.replace(self, **given)


def seed_of(job: JobId) -> int:
    """The sampling seed of a job: when a worker is lost, the next one draws the same."""
    return int(digest_of(str(job).encode())[:16], 16) >> (64 - SEED_BITS)
