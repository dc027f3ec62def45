"""The drawn world: book covers, things to read, charts and scenes of shapes, alone and in pairs that differ."""

from training.world.changes import Change, Mark, What, draw_odd_one_out, draw_pair
from training.world.charts import draw_chart
from training.world.covers import draw_cover
from training.world.pages import draw_page
from training.world.primers import draw_primer
from training.world.scenes import draw_scene
from training.world.split import Split

__all__ = [
    "Change",
    "Mark",
    "Split",
    "What",
    "draw_chart",
    "draw_cover",
    "draw_odd_one_out",
    "draw_page",
    "draw_pair",
    "draw_primer",
    "draw_scene",
]
