"""How far a sitting has come, and what follows from it: the rates, and the weight of the hint."""

import msgspec


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A sitting of `steps`, or of `minutes` by the clock: rates rise, stay, and fall to zero exactly at the end."""

    steps: int | None = None
    minutes: float | None = None  # of training, breaks between sittings not counted
    warm_up: float = 0.02  # parts of the sitting
    decay: float = 0.5
    hint_until: float = 0.7  # the hint has faded by then

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("a sitting ends after its steps or after its minutes")

    def progress(self, *, step: int, seconds: float) -> float:
        """The part that is done, 0 to 1."""
        done = seconds / 60 / self.minutes if self.minutes is not None else step / self.steps  # type: ignore[operator]  # one of the two is there
        return min(1.0, done)

    def rate(self, progress: float) -> float:
        """What the peak rates are multiplied by.

        >>> plan = Schedule(steps=100, warm_up=0.1, decay=0.5)
        >>> [plan.rate(progress) for progress in (0.05, 0.3, 0.75, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
        """
        rising = progress / self.warm_up if self.warm_up else 1.0
        falling = (1 - progress) / self.decay if self.decay else 1.0
        return max(0.0, min(1.0, rising, falling))

    def hint(self, progress: float) -> float:
        """What the hint's weight is multiplied by: falls from 1 to 0."""
        return max(0.0, 1 - progress / self.hint_until) if self.hint_until else 0.0
