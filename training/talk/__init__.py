"""Dialogues about drawn pictures: what people ask, in their many wordings, and what is true."""

from training.talk.mixture import MIXES, Mix
from training.talk.talk import draw_dialogue

__all__ = ["MIXES", "Mix", "draw_dialogue"]
