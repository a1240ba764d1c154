"""Words counted: what is named, obeyed, and said of the wrong thing."""

import pytest
import torch

from genimg_lib import metrics
from genimg_lib.data import portraits


def values(**asked):
    return {name: torch.tensor([portraits.FACTORS[name].index(v)]) for name, v in asked.items()}


SENTENCE = "a smiling face with short red hair, blue eyes and a black cap"


def test_a_caption_says_by_silence_what_is_not_there_and_a_list_does_not():
    asked = metrics.named([SENTENCE])
    assert asked["glasses"].item() == 0 and asked["beard"].item() == 0
    assert asked["skin"].item() == metrics.UNSAID
    listed = metrics.named(["red hair, blue eyes"], captions=False)
    assert listed["glasses"].item() == metrics.UNSAID
    assert listed["hair_color"].item() == portraits.FACTORS["hair_color"].index("red")


def test_every_caption_names_what_its_portrait_shows():
    factors = portraits.sample(500, seed=3)
    asked = metrics.named(portraits.caption(factors, 4))
    for name, value in asked.items():
        says = value != metrics.UNSAID
        assert says.any() and torch.equal(value[says], factors[name][says])


def test_obeyed_counts_sentences_that_name_a_factor():
    sentences = ["a calm face with short red hair", "a calm face with a bald head and blue eyes"]
    asked = metrics.named(sentences)
    read = {name: value.clone() for name, value in asked.items()}
    read["hair"] = torch.tensor([portraits.FACTORS["hair"].index("long")] * 2)
    read["eyes"] = torch.tensor([0, portraits.FACTORS["eyes"].index("blue")])
    shares = metrics.obeyed(read, asked)
    assert shares["hair"] == 0 and shares["eyes"] == 1 and shares["mouth"] == 1
    assert "background" not in shares


@pytest.mark.parametrize(
    ("hair_color", "outfit", "astray"),
    [
        ("red", "black", False),
        ("black", "red", True),
        ("black", "black", True),
        ("red", "red", True),
        ("blond", "green", False),
    ],
)
def test_a_colour_on_the_other_thing_has_gone_astray(hair_color, outfit, astray):
    asked = metrics.named([SENTENCE])
    read = values(hair_color=hair_color, outfit=outfit, eyes="blue")
    wrong, counts = metrics.strayed(read, asked)
    assert counts.item() and wrong.item() == astray


def test_colours_that_fit_one_thing_only_do_not_count():
    asked = metrics.named(["a smiling face with short blond hair, brown eyes and a yellow cap"])
    read = values(hair_color="blond", outfit="yellow", eyes="brown")
    wrong, counts = metrics.strayed(read, asked)
    assert not wrong.item() and not counts.item()


def test_f1_of_true_captions_is_one_and_of_others_is_less():
    factors = portraits.sample(200, seed=5)
    captions = portraits.caption(factors, 6)
    assert metrics.factor_f1(captions, factors) == (1.0, 1.0, 1.0)
    f1, precision, recall = metrics.factor_f1([captions[-1], *captions[:-1]], factors)
    assert f1 < 0.6 and precision < 0.6 and recall < 0.6


def test_f1_by_hand():
    factors = portraits.as_tensors(
        {"hair": "short", "hair_color": "red", "mouth": "smile", "glasses": "round"}
    )
    # right: hair, mouth; wrong: its colour; not said: glasses
    f1, precision, recall = metrics.factor_f1(["a smiling face with short grey hair"], factors)
    assert precision == pytest.approx(2 / 3) and recall == pytest.approx(2 / 4)
    assert f1 == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))


def test_a_sentence_that_contradicts_itself_names_nothing():
    factors = portraits.as_tensors({"hair": "short", "mouth": "smile"})
    sentence = "a smiling face with short brown hair and long brown hair"
    assert metrics.factor_f1([sentence], factors) == (0.0, 0.0, 0.0)
