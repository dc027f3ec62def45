"""What the bot says about itself."""

from bot.frontends.discord.desk import Desk
from jobs.errors import StoreUnavailable

_HELP = """\
**Mention me with pictures and a question.** I answer in a thread, and remember its pictures: ask on there, or in a \
direct message, without mentioning me.
- `/ocr` reads text, `/compare` tells the differences, `/describe` describes, `/ask` asks anything.
- **Apps** in a message's menu: *Read text*, *Describe image*, *Ask about this image*. Only you see the answer, until \
you share it.
- `/images` shows what I see here. Editing the last question has it answered again; deleting it makes me forget it.
- "stop listening" keeps me quiet in a thread until I am mentioned."""
_KEPT = """\
**What is kept.** Pictures and questions go to the machine that runs me and the model that its owner has chosen, and \
nowhere else. They are kept for {kept} after the last question. `/forget` removes them at once."""
_DEAF = (
    "**In servers I see only messages that mention me, and replies to me with the mention left on:** "
    "the message content intent is off."
)
_WELL = "**I am well:** {waiting}."
_NO_WORKER = "**I am not well:** no model is running, so nothing is answered right now ({waiting})."
_UNWELL = "**I am not well:** {reason}"


async def describe_help(desk: Desk) -> str:
    """The answer to /help."""
    parts = [_HELP, _KEPT.format(kept=desk.kept)]
    if not desk.reads_everything:
        parts.append(_DEAF)
    parts.append(await _health(desk))
    return "\n\n".join(parts)


async def _health(desk: Desk) -> str:
    try:
        health = await desk.monitor.health()
    except StoreUnavailable as error:
        return _UNWELL.format(reason=error.sentence)
    waiting = f"{health.waiting} question{'' if health.waiting == 1 else 's'} waiting"
    return (_WELL if health.has_worker else _NO_WORKER).format(waiting=waiting)
