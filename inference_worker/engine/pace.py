"""How much prefill a step takes: measured, so that it suits any machine."""

STEP_S = 0.25  # the longest that somebody's next word should wait for somebody else's prompt: people read four a second
IDLE_STEP_S = 2.0  # while nobody waits for a word: a Stop does; much shorter steps cost slow machines time
LEAST_TOKENS = 16  # beside decode: however slow the machine is, prompts go on
LEAST_IDLE_TOKENS = (
    64  # also before anything is known of the machine; with fewer, a step's fixed cost would be most of it
)


class PrefillPace:
    """The prompt tokens that a step may compute: what fits into `STEP_S` beside decode, else into `IDLE_STEP_S`."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._per_s = LEAST_IDLE_TOKENS / IDLE_STEP_S

    def tokens(self, *, beside_decode: bool) -> int:
        """The budget of the next step."""
        step_s, least = (STEP_S, LEAST_TOKENS) if beside_decode else (IDLE_STEP_S, LEAST_IDLE_TOKENS)
        return min(max(int(self._per_s * step_s), least), self._most)

    def record(self, tokens: int, seconds: float) -> None:
        """A step with `tokens` of prefill took so long, whatever else was in it.

        As if all of the time were theirs: the next step comes nearer to what it may take, and in a few steps that is
        met. The end of a prompt, with less than a step may take, is no reason to take less.
        """
        per_s = tokens / seconds
        if per_s > self._per_s or tokens >= self.tokens(beside_decode=True):
            self._per_s = per_s
