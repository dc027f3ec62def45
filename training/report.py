"""What a model gets wrong, as one HTML page with the pictures in it."""

import base64
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from training.scores import Outcome, Tally, tally

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ right.asked - right.right }} of {{ right.asked }} wrong</title>
<style>
  body { font: 16px/1.4 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
  section { border-top: 1px solid #ccc; margin-top: 2rem }
  article { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; align-items: flex-start }
  .pictures { display: flex; flex-wrap: wrap; gap: .5rem; flex: 0 0 20rem }
  figure { margin: 0 } figcaption { color: #777; font-size: .8rem }
  img { max-width: 9.5rem; max-height: 9.5rem; border: 1px solid #ccc }
  figure:only-child img { max-width: 20rem; max-height: 14rem }
  dl { flex: 1 1 20rem; margin: 0; display: grid; grid-template-columns: 5rem 1fr; gap: .2rem .8rem }
  dt, .aside { color: #777 } dd { margin: 0 }
  .got { color: #b00020 } .past { color: #999 }
</style>
<h1>{{ right.asked - right.right }} of {{ right.asked }} wrong</h1>
<p>{% for task, wrong, counted in tasks %}<a href="#{{ task }}">{{ task }}</a> {{ counted.asked - counted.right }}
of {{ counted.asked }}{{ "" if loop.last else " · " }}{% endfor %}</p>
{% for task, wrong, counted in tasks %}
<section id="{{ task }}">
<h2>{{ task }} <small class="aside">{{ counted.asked - counted.right }} of {{ counted.asked }} wrong</small></h2>
{% for one in wrong %}
<article>
  <div class="pictures">{% for name, source in pictures(one) %}
    <figure><img src="{{ source }}" alt=""><figcaption>{{ loop.index }}: {{ name }}</figcaption></figure>{% endfor %}
  </div>
  <dl>{% for question, answer in before(one) %}
    <dt class="past">before</dt><dd class="past">{{ question }}<br>{{ answer }}</dd>{% endfor %}
    <dt>asked</dt><dd>{{ one.turn.question }}</dd>
    <dt>true</dt><dd>{{ one.turn.answer }}</dd>
    <dt>got</dt><dd class="got">{{ one.answer }}</dd>
    {% for note in notes(one) %}<dt></dt><dd class="aside">{{ note }}</dd>{% endfor %}
  </dl>
</article>
{% endfor %}
</section>
{% endfor %}
</html>
"""


def write_report(outcomes: Sequence[Outcome], folder: Path, out: Path) -> None:
    """The tasks with the most mistakes first. `folder` holds the pictures."""
    page = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined).from_string(PAGE)
    html = page.render(
        right=tally(outcomes),
        tasks=_by_mistakes(outcomes),
        before=functools.partial(_before, {(id(one.dialogue), one.place): one.answer for one in outcomes}),
        pictures=lambda one: [(name, _inline(folder / name)) for name in _seen(one)],
        notes=_notes,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def _by_mistakes(outcomes: Sequence[Outcome]) -> list[tuple[str, list[Outcome], Tally]]:
    by_task: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_task[one.task].append(one)
    wrong = {task: [one for one in ones if not one.right] for task, ones in by_task.items()}
    order = sorted((task for task in wrong if wrong[task]), key=lambda task: -len(wrong[task]))
    return [(task, wrong[task], tally(by_task[task])) for task in order]


def _before(answers: Mapping[tuple[int, int], str], one: Outcome) -> list[tuple[str, str]]:
    """The earlier questions with the model's own answers, right or wrong: it goes on from those."""
    return [
        (turn.question, answers.get((id(one.dialogue), place), ""))
        for place, turn in enumerate(one.dialogue.turns[: one.place])
    ]


def _seen(one: Outcome) -> list[str]:
    """The pictures that the model has seen by then, in order."""
    return [name for turn in range(one.place + 1) for name in one.dialogue.shown(turn)]


def _inline(path: Path) -> str:
    kind = {".jpg": "jpeg", ".jpeg": "jpeg"}.get(path.suffix.lower(), path.suffix.lower().removeprefix("."))
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _notes(one: Outcome) -> list[str]:
    """What may have made it hard."""
    turn = one.turn
    flags = {
        "an earlier picture": turn.refers_back,
        "unseen phrasing": turn.phrasing_held_out,
        "letters at random": turn.random,
        "held-out words or face": turn.held_out,
    }
    reads = [f"{read.face}, letters {read.size:.3f} of the side, contrast {read.contrast:.1f}" for read in turn.reads]
    return [*([", ".join(name for name, is_so in flags.items() if is_so)] if any(flags.values()) else []), *reads]
