"""How much prefill a step takes beside decode: measured, so that it suits any machine."""

STEP_S = 0.25  # the longest that somebody's next word should wait for somebody else's prompt: people read four a second
LEAST_TOKENS = 16  # however slow the machine is, prompts go on
FIRST_TOKENS = 64  # beside decode, before anything is known of the machine


class PrefillPace:
    """The prompt tokens that a step may compute: `most` when nobody decodes, else what fits into `STEP_S`."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._fitting = min(FIRST_TOKENS, most)

    def tokens(self, *, beside_decode: bool) -> int:
        """The budget of the next step."""
        return self._fitting if beside_decode else self._most

    def record(self, tokens: int, seconds: float) -> None:
        """A step with `tokens` of prefill took so long, whatever else was in it.

        As if all of the time were theirs: the next step comes nearer to `STEP_S`, and in a few steps it is met. The
        end of a prompt, with less than a step may take, is no reason to take less.
        """
        fitting = int(tokens * STEP_S / seconds)
        if tokens >= self._fitting or fitting > self._fitting:
            self._fitting = min(max(fitting, LEAST_TOKENS), self._most)
