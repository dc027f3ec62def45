"""The reference's way from a dialogue to ids: one text, cut at the picture tags, every piece with its own `<s>`.

The product builds prompts from trusted and untrusted parts; this is its slow twin.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest

from inference_worker.model.tokenizer import Tokenizer

TAG = re.compile(r"<\|image_(\d+)\|>")


def chat_text(messages: Sequence[dict[str, str]], *, add_generation_prompt: bool) -> str:
    """The chat template of both models."""
    text = "".join(f"<|{message['role']}|>\n{message['content']}<|end|>\n" for message in messages)
    return text + "<|assistant|>\n" * (add_generation_prompt and messages[-1]["role"] != "assistant")


def prompt_ids(tokenizer: Tokenizer, prompt: str, picture_tokens: Sequence[int]) -> list[int]:
    """The ids of a prompt; picture k stands as -k, once for each of its `picture_tokens`.

    Raises:
        ValueError: tags and pictures do not fit, in the reference's words.
    """
    if not picture_tokens:
        return tokenizer.encode(prompt, bos=True)
    tags = [int(tag) for tag in TAG.findall(prompt)]
    numbers = sorted(set(tags))
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(
            f"image_ids must start from 1, and must be continuous int, e.g. [1, 2, 3], cannot be {numbers}"
        )
    if len(numbers) != len(picture_tokens):
        raise ValueError(
            "total images must be the same as the number of image tags, "
            f"got {len(numbers)} image tags and {len(picture_tokens)} images"
        )
    ids: list[int] = []
    for text, tag in zip_longest(TAG.sub("\0", prompt).split("\0"), tags):
        ids += tokenizer.encode(text, bos=True)
        if tag is not None:
            ids += [-tag] * picture_tokens[tag - 1]
    return ids
