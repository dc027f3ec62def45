"""What happens now and then."""

import random


def chance(rng: random.Random, share: float) -> bool:
    """True in that share of the cases."""
    return rng.random() < share
