"""From a claim and its conversation to the dialogue, and from an answer to the turn that joins the history."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from inference_worker.answer_engine import Answered
from inference_worker.dialogue import Dialogue
from inference_worker.errors import NothingToCompare, NothingToLookAt
from inference_worker.presets import Presets
from jobs import Claim, Conversation, JobKind, Picture, Turn, pictures_shown

PAIR = 2  # pictures, the least that can be compared
NO_PICTURE = "There is no picture in this conversation yet."  # a notice


def build_dialogue(
    claim: Claim,
    conversation: Conversation,
    *,
    presets: Presets,
    ocr_crops: int,
    load_picture: Callable[[Picture], Awaitable[bytes]],
) -> Dialogue:
    """The question in its conversation, with its pictures numbered.

    Raises:
        NothingToLookAt: a task about a picture, and there is none.
        NothingToCompare: fewer than two pictures in the whole conversation.
    """
    job = claim.job
    turns = tuple(turn for turn in conversation.turns if turn.source != job.source)  # it may be answered again
    known = tuple(picture for _, picture in pictures_shown(turns))
    brought = conversation.leaves(job.source, claim.pictures)
    new, again = place_pictures(brought, known, conversation.dropped)
    one_shot = job.kind is JobKind.OCR and not new
    if one_shot:
        # An older picture is read at full detail beside the conversation: its slot there keeps its own crops.
        meant = again or known[-1:]
        new = tuple(msgspec.structs.replace(picture, max_crops=ocr_crops) for picture in meant)
    _check_pictures(job.kind, new=new, known=known)
    return Dialogue(
        job=job.id,
        conversation=job.conversation,
        epoch=claim.epoch,
        turns=() if one_shot else turns,
        kind=job.kind,
        question=presets.render(
            job.kind,
            job.text.strip(),
            new=len(new),
            meant=() if one_shot else _numbers_to_name(new, again, known),
            context="" if one_shot else job.context,
        ),
        pictures=new,
        again=() if one_shot else again,
        kept=again,
        sampling=job.sampling,
        load_picture=load_picture,
        one_shot=one_shot,
    )


def notices_for(dialogue: Dialogue) -> tuple[str, ...]:
    """What the answer should not be read without. Who begins without a picture may think that one was sent."""
    is_blind = not (dialogue.turns or dialogue.pictures or dialogue.again)
    return (NO_PICTURE,) if is_blind else ()


def build_turn(claim: Claim, dialogue: Dialogue, text: str, answered: Answered | None) -> Turn:
    """What the history keeps. `answered` is None when the answer ended early: its `text` alone counts then."""
    return Turn(
        source=claim.job.source,
        revision=claim.job.revision,
        kind=claim.job.kind,
        question=claim.job.text,
        prompt=dialogue.question,
        pictures=() if dialogue.one_shot else dialogue.pictures,
        again=dialogue.kept,
        answer=text,
        token_ids=answered.token_ids if answered else (),
        fingerprint=answered.fingerprint if answered else "",
        asker=claim.job.asker,
        one_shot=dialogue.one_shot,
    )


def place_pictures(
    brought: Sequence[Picture], known: Sequence[Picture], dropped: Sequence[Picture] = ()
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """What a question brings, as (new, again): new pictures get the next numbers, known ones keep theirs.

    So do those of a question that is answered again. What was dropped meanwhile is left out, its number stays taken. A
    known one is of the file that came now: the one that it was first known by may be deleted before this question.
    Files that came together are as many pictures, also where they are the same: somebody may ask just that.
    """
    out = {picture.identity for picture in dropped}
    brought = [picture for picture in brought if picture.identity not in out]
    by_identity = {picture.identity: picture for picture in known}
    by_digest = {picture.digest: picture for picture in reversed(known)}
    taken = {picture.number for picture in known}
    following = max((picture.number for picture in (*known, *dropped, *brought)), default=0) + 1
    new: list[Picture] = []
    again: dict[int, Picture] = {}
    for picture in brought:
        known_as = by_identity.get(picture.identity) or by_digest.get(picture.digest)
        if known_as:
            again[known_as.number] = msgspec.structs.replace(known_as, ref=picture.ref)
        else:
            has_number = picture.number > 0 and picture.number not in taken
            new.append(msgspec.structs.replace(picture, number=picture.number if has_number else following))
            following += not has_number
    return tuple(new), tuple(again.values())


def _check_pictures(kind: JobKind, *, new: Sequence[Picture], known: Sequence[Picture]) -> None:
    if kind in {JobKind.OCR, JobKind.DESCRIBE} and not (new or known):
        raise NothingToLookAt
    if kind is JobKind.COMPARE and len(new) + len(known) < PAIR:
        raise NothingToCompare(count=len(new) + len(known))


def _numbers_to_name(new: Sequence[Picture], again: Sequence[Picture], known: Sequence[Picture]) -> tuple[int, ...]:
    """The pictures that a question is about, where earlier ones are named again and it is not about all of them."""
    if not again or len(again) == len(known):
        return ()
    return tuple(sorted(picture.number for picture in [*again, *new]))
