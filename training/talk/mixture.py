"""What dialogues are about, and how often: the curriculum."""

import msgspec


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of the kinds of dialogues."""

    covers: float = 2.5
    pages: float = 2.0
    charts: float = 3.0
    scenes: float = 3.5
    pairs: float = 4.0  # two pictures that may differ
    odd_ones: float = 0.4  # three or four of which one differs
    several: float = 4.0  # two to four pictures of any sorts
    pies: float = 0.0  # charts of this kind alone, the hardest to learn
    primers: float = 0.0  # sheets of letters and next to nothing to ask: only to learn from

    def __post_init__(self) -> None:
        if min(self.weights) < 0 or not any(self.weights):
            raise ValueError("a mix needs weights")

    @property
    def weights(self) -> tuple[float, ...]:
        """In the order of the fields."""
        return msgspec.structs.astuple(self)


MIXES = {
    "all": Mix(),
    "learning": Mix(covers=3, pages=4, charts=7, scenes=1, pairs=4, odd_ones=1, several=3, pies=2, primers=6),
}
