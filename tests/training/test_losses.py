import pytest
import torch
from torch.nn import functional

from training.attention import PaddedAttention
from training.batch import Comparisons, Lookups, Measures, Names, Places, Shares, Sights
from training.citations import Citations
from training.labels import CHARACTERS
from training.losses import UNIT, Heads, Losses, Weights, hint_loss, pair_loss

LENGTH, HEADS, WIDTH, HIDDEN = 6, 2, 8, 12


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def attended(sequences: int) -> PaddedAttention:
    attention = PaddedAttention(length=LENGTH, record=(0, 1))
    query, key, value = (drawn(sequences * LENGTH, HEADS, WIDTH) * size for size in (1, 2, 1))
    attention(0, query * 9, key, value)
    attention(1, query, key, value)
    return attention


def test_the_hint_is_how_little_of_the_attention_falls_on_what_is_cited() -> None:
    attention = attended(3)
    query, key = attention.recorded[1]
    ahead = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    weights = (query @ key.mT * WIDTH**-0.5).masked_fill(ahead, -torch.inf).softmax(-1)
    # The second dialogue has two citing rows, the third one; the first has none.
    citing = {(1, 3): [0, 2], (1, 5): [4], (2, 4): [1]}
    by_head = [
        torch.stack([-weights[s, head, row, cited].sum().log() for (s, row), cited in citing.items()]).mean()
        for head in range(HEADS)
    ]
    citations = Citations(
        rows=torch.tensor([1 * LENGTH + 3, 1 * LENGTH + 5, 2 * LENGTH + 4]),
        queries=torch.tensor([0, 0, 1, 2]),
        keys=torch.tensor([0, 2, 4, 1]),
    )
    assert by_head[0] != by_head[1]
    torch.testing.assert_close(hint_loss(attention, citations, layer=1), min(by_head))
    assert hint_loss(attention, citations, layer=0) != min(by_head)


NOTHING = torch.tensor([], dtype=torch.long)
UNCITED = Citations(rows=NOTHING, queries=NOTHING, keys=NOTHING)


def names(firsts: Citations, seconds: Citations) -> Names:
    return Names(
        read=UNCITED, known=UNCITED, values=torch.tensor([]), firsts=firsts, seconds=seconds, leads=torch.tensor([])
    )


def test_names_that_are_compared_have_a_head_each() -> None:
    attention = attended(1)
    first, second = (
        Citations(rows=torch.tensor([5]), queries=torch.tensor([0]), keys=torch.tensor([key])) for key in (1, 3)
    )
    query, key = attention.recorded[1]
    missed = -(query[0, :, 5:6] @ key[0].mT * WIDTH**-0.5).log_softmax(-1)[:, 0]  # (heads, length)
    by_either_order = [missed[one, 1] + missed[1 - one, 3] for one in range(HEADS)]
    torch.testing.assert_close(pair_loss(attention, names(first, second), layer=1), min(by_either_order))
    same = missed[:, 1] * 2
    assert pair_loss(attention, names(first, first), layer=1) > same.min(), "one head alone will not do"


def test_nothing_cited_is_no_loss() -> None:
    assert hint_loss(attended(1), UNCITED, layer=1) == 0
    assert pair_loss(attended(1), names(UNCITED, UNCITED), layer=1) == 0


def sights(characters: int, forms: int) -> Sights:
    return Sights(
        features=torch.tensor([2, 0]),
        characters=torch.full((2, 4, 3), characters),
        forms=torch.full((2, 4), forms),
        colours=torch.full((2, 4), -1),
    )


def test_labels_that_are_ignored_cost_nothing() -> None:
    features = drawn(3, HIDDEN)
    heads = Heads(HIDDEN)
    assert heads.sight(features, sights(-1, -1)) == 0
    assert heads.sight(features, sights(5, -1)) > 0


def test_a_loss_is_the_mean_over_what_is_known_of_the_right_tokens() -> None:
    features = drawn(3, HIDDEN)
    heads = Heads(HIDDEN)
    known = sights(-1, 2)
    known.forms[0] = -1
    of_token = heads.forms(functional.rms_norm(features[0], (HIDDEN,))).view(4, -1)
    expected = -of_token.log_softmax(-1)[:, 2].mean()
    torch.testing.assert_close(heads.sight(features, known), expected)


def test_characters_are_told_patch_by_patch_and_place_by_place() -> None:
    heads = Heads(HIDDEN)
    with torch.no_grad():
        heads.characters.weight.zero_()
        heads.characters.bias.zero_()
        heads.characters.bias.view(4, 3, 1 + len(CHARACTERS))[1, 2, 7] = 50.0
    labels = sights(-1, -1)
    labels.characters[:, 1, 2] = 7
    assert heads.sight(drawn(3, HIDDEN), labels) < 1e-6
    labels.characters[:, 1, 2] = 8
    assert heads.sight(drawn(3, HIDDEN), labels) > 40


def test_a_character_counts_as_much_as_all_the_places_without_one() -> None:
    features, heads = drawn(3, HIDDEN), Heads(HIDDEN)
    labels = sights(0, -1)
    labels.characters[1, 2, 0] = 7
    of_places = heads.characters(functional.rms_norm(features[[2, 0]], (HIDDEN,))).view(2, 4, 3, -1).log_softmax(-1)
    nothing = -of_places[..., 0]
    nothing[1, 2, 0] = 0
    expected = -of_places[1, 2, 0, 7] + nothing.sum() / 23
    torch.testing.assert_close(heads.sight(features, labels), expected)


def test_a_dialogue_of_one_picture_has_nothing_to_compare() -> None:
    nothing = torch.tensor([], dtype=torch.long)
    none = Comparisons(**dict.fromkeys(Comparisons.__struct_fields__, nothing))
    assert Heads(HIDDEN).comparison(drawn(4, HIDDEN), none) == 0


def test_what_is_measured_is_read_linearly_in_units_and_the_unknown_costs_nothing() -> None:
    hidden = drawn(3, HIDDEN)
    heads = Heads(HIDDEN)
    told = heads.measured(functional.rms_norm(hidden[2], (HIDDEN,))).detach()
    truths = told[None] + UNIT * torch.tensor([[0.5, torch.nan, -3]])
    expected = (0.5**2 / 2 + (3 - 0.5)) / 2
    measures = Measures(rows=torch.tensor([2]), truths=truths)
    assert heads.measure(hidden, measures).item() == pytest.approx(expected, rel=1e-4)


def test_a_picture_with_nothing_to_measure_costs_nothing() -> None:
    none = Measures(rows=torch.tensor([], dtype=torch.long), truths=torch.zeros(0, 3))
    assert Heads(HIDDEN).measure(drawn(4, HIDDEN), none) == 0


def test_a_share_is_told_patch_by_patch_of_the_features() -> None:
    features, heads = drawn(3, HIDDEN), Heads(HIDDEN)
    told = heads.shares(functional.rms_norm(features[1], (HIDDEN,))).detach()
    truths = told[None] + UNIT * torch.tensor([[torch.nan, 2, torch.nan, torch.nan]])
    shares = Shares(features=torch.tensor([1]), truths=truths)
    assert heads.share(features, shares).item() == pytest.approx(2 - 0.5, rel=1e-4)


def lookups(*, value: float, line: int, column: int) -> Lookups:
    return Lookups(
        rows=torch.tensor([1]),
        values=torch.tensor([value]),
        lines=torch.tensor([line]),
        columns=torch.tensor([column]),
    )


def test_what_is_looked_up_is_a_value_and_an_ordinal_line_and_column() -> None:
    hidden, heads = drawn(2, HIDDEN), Heads(HIDDEN)
    seen = functional.rms_norm(hidden[1], (HIDDEN,))
    known = lookups(value=heads.values(seen).item() + 3 * UNIT, line=2, column=4)
    assert heads.value(hidden, known.rows, known.values).item() == pytest.approx(3 - 0.5, rel=1e-4)
    expected = -heads.ordinal_lines(seen).log_softmax(-1)[2] - heads.ordinal_columns(seen).log_softmax(-1)[4]
    torch.testing.assert_close(heads.ordinal(hidden, known), expected)


def test_what_cannot_be_looked_up_costs_nothing() -> None:
    unknown = lookups(value=torch.nan, line=-1, column=-1)
    assert Heads(HIDDEN).value(drawn(2, HIDDEN), unknown.rows, unknown.values) == 0
    assert Heads(HIDDEN).ordinal(drawn(2, HIDDEN), unknown) == 0


def test_a_place_is_its_line_and_its_column() -> None:
    heads = Heads(HIDDEN)
    with torch.no_grad():
        for head, right in ((heads.lines, 3), (heads.columns, 5)):
            head.weight.zero_()
            head.bias.zero_()
            head.bias[right] = 50.0
    places = Places(rows=torch.tensor([1]), lines=torch.tensor([3]), columns=torch.tensor([5]))
    assert heads.place(drawn(2, HIDDEN), places) < 1e-6
    places.columns[0] = 3
    assert heads.place(drawn(2, HIDDEN), places) > 40


def test_the_total_weighs_each_and_lets_the_hint_fade() -> None:
    losses = Losses(
        **{
            name: torch.tensor(value)
            for name, value in [
                ("words", 1.0),
                ("sight", 2.0),
                ("comparison", 4.0),
                ("measure", 16.0),
                ("place", 32.0),
                ("match", 64.0),
                ("share", 128.0),
                ("value", 256.0),
                ("ordinal", 512.0),
                ("look", 1024.0),
                ("name", 2048.0),
                ("named_value", 4096.0),
                ("pair", 8192.0),
                ("lead", 16384.0),
                ("hint", 8.0),
            ]
        }
    )
    weights = Weights(
        sight=0.5,
        comparison=0.25,
        measure=0.125,
        place=0.0625,
        match=0.125,
        share=1 / 32,
        value=1 / 128,
        ordinal=1 / 64,
        look=1 / 32,
        name=1 / 128,
        named_value=1 / 64,
        pair=1 / 256,
        lead=1 / 256,
        hint=0.5,
    )
    assert losses.total(weights, hint=1.0) == pytest.approx(
        1 + 1 + 1 + 2 + 2 + 8 + 4 + 2 + 8 + 32 + 16 + 64 + 32 + 64 + 4
    )
    assert losses.total(weights, hint=0.0) == pytest.approx(237)
