"""What the bot says about itself: the Home tab, the help, the prompts that it suggests."""

from bot.frontends.slack.blocks import Block, paragraph

SUGGESTED_PROMPTS = (
    {"title": "Describe a picture", "message": "Describe this picture."},
    {"title": "Read the text", "message": "ocr"},
    {"title": "Compare pictures", "message": "compare"},
)

HELP = (
    "*Mention me with pictures and a question*, in a channel, a thread or a direct message. I answer in the thread, "
    "and remember its pictures: ask on without mentioning me.\n"
    "• Mention me with `ocr` to have the text in the pictures read, with `compare` to be told the differences, with "
    "`describe` to have them described. In a direct message the word alone will do.\n"
    "• `/ocr` and `/compare` open a form for files. Every message has *Read text*, *Compare pictures*, *Describe "
    "image* and *Ask about this image* in its ⋯ menu.\n"
    "• *Stop* ends an answer, *Regenerate* tries once more, editing a thread's last question has it answered again.\n"
    "• Mention me with `forget` and I forget the thread; `/forget` is for everything that you have asked. "
    "Deleting a question forgets it with its answer.\n"
    "• Mention me with `stop listening` and I answer in a thread only when I am mentioned; with `listen` I am back."
)
KEPT = (
    "Pictures and questions go to the machine that runs this bot and the model that its owner has chosen, and nowhere "
    "else. Conversations and pictures are kept for {kept}, counted from the last question, so that you can ask on."
)


def describe_home(*, kept: str) -> dict[str, object]:
    """The Home tab."""
    shown: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": "I look at pictures and answer questions"}},
        paragraph(HELP),
        {"type": "divider"},
        {"type": "header", "text": {"type": "plain_text", "text": "What is kept"}},
        paragraph(KEPT.format(kept=kept)),
    ]
    return {"type": "home", "blocks": shown}


def describe_help(*, kept: str) -> list[Block]:
    """The answer to /help."""
    return [paragraph(HELP), paragraph(KEPT.format(kept=kept))]
