"""The model from Python, in a few lines a job: describe a chart, read a cover, compare two pictures, follow up.

python examples/cookbook.py                                     the built-in model, on any machine
python examples/cookbook.py microsoft/Phi-3.5-vision-instruct   the real one, on a GPU
"""

import asyncio
import sys
from pathlib import Path

from inference_worker.talk import Model, open_model

PICTURES = Path(__file__).parent / "pictures"


async def describe_a_chart(model: Model) -> None:
    talk = model.talk()
    print(await talk.ask("Could you please introduce this chart to me?", PICTURES / "chart_exports5.png"))
    print(await talk.ask("Which bar is the smallest?"))


async def read_a_cover(model: Model) -> None:
    talk = model.talk()
    question = "Help me get the title and author information of this book?"
    async for words in talk.stream(question, PICTURES / "cover_forest.png"):
        print(words, end="", flush=True)
    print()


async def compare_two_pictures(model: Model) -> None:
    talk = model.talk()
    pair = PICTURES / "compare_orange_blue1_a.png", PICTURES / "compare_orange_blue1_b.png"
    print(await talk.ask("What is difference in this two images?", *pair))
    print(await talk.ask("In the second image, what color is the square?"))


async def main(name: str) -> None:
    async with open_model(name) as model:
        await describe_a_chart(model)
        await read_a_cover(model)
        await compare_two_pictures(model)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["tiny"]))
