"""`make demo`: a conversation over the pictures beside this file, with the commands that anybody can type.

Each command goes the whole way: the picture is checked and stored, the question queued, the worker claims it, the
built-in model looks and writes, and the answer comes back through the queue.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

EXAMPLES = Path(__file__).parent
PREVIEW = 36, 20  # characters wide, half lines high

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    console.print(
        "The built-in model is tiny and knows drawn pictures only; the real one takes its place by a setting."
    )
    chart, cover, before, after = (
        "pictures/chart_exports5.png",
        "pictures/cover_forest.png",
        "pictures/compare_orange_blue1_a.png",
        "pictures/compare_orange_blue1_b.png",
    )
    began = time.monotonic()
    for title, commands in {
        "A chart is described": [
            ["ask", chart, "Could you please introduce this chart to me?"],
            ["ask", "-f", "Which bar is the smallest?"],
        ],
        "A cover is read": [
            ["ask", cover, "Help me get the title and author information of this book?"],
        ],
        "A sign is read out": [
            ["ocr", "pictures/sign_engineer.png"],
        ],
        "Two pictures are compared": [
            ["compare", before, after],
        ],
        "Follow-ups remember every picture": [
            [
                "ask",
                "pictures/pair_rain_alone0_a.png",
                "pictures/pair_rain_alone0_b.png",
                "What do the two images show?",
            ],
            ["ask", "-f", "In the second image, who wrote this book?"],
            ["ask", "-f", "In the first image, which bar is the tallest?"],
        ],
    }.items():
        console.rule(title, style="dim")
        for words in commands:
            code = run(words)
            if code:
                return code
    questions = time.monotonic() - began
    console.rule(style="dim")
    console.print(f"8 answers in {questions:.1f} s. Now yours: .venv/bin/threadsight ask PICTURE QUESTION")
    return 0


def run(words: list[str]) -> int:
    """Show the pictures and the command, then run it as it stands."""
    show([EXAMPLES / word for word in words if word.endswith(".png")])
    console.print(f"[bold]$ threadsight {shlex.join(words)}[/]")
    command = [Path(sys.executable).with_name("threadsight"), *words]
    environment = os.environ | {"THREADSIGHT_WORKER_LINGER_S": "20"}
    return subprocess.run(command, cwd=EXAMPLES, env=environment, check=False).returncode  # noqa: S603 - our own


def show(pictures: list[Path]) -> None:
    """The pictures side by side, two pixels in each character, where the terminal has the colors for it."""
    if not pictures or not console.is_terminal or console.color_system != "truecolor":
        return
    small = []
    for path in pictures:
        with Image.open(path) as picture:
            picture.thumbnail(PREVIEW)
            small.append(picture.convert("RGB"))
    for y in range(0, max(picture.height for picture in small) - 1, 2):
        line = Text("  ")
        for picture in small:
            for x in range(picture.width):
                if y + 1 < picture.height:
                    upper, lower = picture.getpixel((x, y)), picture.getpixel((x, y + 1))
                    line.append("▀", style=f"rgb{upper} on rgb{lower}".replace(" (", "(").replace(", ", ","))
            line.append("  ")
        console.print(line)


if __name__ == "__main__":
    sys.exit(main())
