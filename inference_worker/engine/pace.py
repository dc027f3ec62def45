"""How much prefill a step takes beside decode: measured, so that it suits any machine."""

STEP_S = 0.1  # the longest that somebody's next word should wait for somebody else's prompt
LEAST_TOKENS = 16  # however slow the machine is, prompts go on
MEMORY = 0.7  # of the measured pace, the share that stays at each new measurement


class PrefillPace:
    """The prompt tokens that a step may compute: `most` when nobody decodes, else what fits into `STEP_S`."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._token_s = 0.0

    def tokens(self, *, beside_decode: bool) -> int:
        """The budget of the next step."""
        if not beside_decode or not self._token_s:
            return self._most
        return min(self._most, max(LEAST_TOKENS, int(STEP_S / self._token_s)))

    def record(self, tokens: int, seconds: float) -> None:
        """A step with `tokens` of prefill took so long."""
        measured = seconds / tokens
        self._token_s = MEMORY * self._token_s + (1 - MEMORY) * measured if self._token_s else measured
