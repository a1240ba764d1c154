"""What a model can be asked for in words."""

import pytest
import torch

from genimg_lib.apps import sample
from genimg_lib.apps.wishes import WISHES
from genimg_lib.data import portraits


def test_a_class_is_asked_for_by_its_name():
    clothes = WISHES["fashion_mnist"]
    assert clothes.read(" Ankle Boot ") == {"label": 9}
    c = clothes.conditions({"label": 9}, 3, seed=0)
    assert c.tolist() == [[0.0] * 9 + [1.0]] * 3
    assert clothes.word("label", 9) == "ankle boot"


def test_left_open_classes_come_by_chance_and_by_the_seed():
    clothes = WISHES["fashion_mnist"]
    c = clothes.conditions({}, 2_000, seed=1)
    assert torch.equal(c, clothes.conditions({}, 2_000, seed=1))
    assert (c.sum(dim=1) == 1).all()
    assert (c.mean(dim=0) - clothes.chance("label", 0)).abs().max() < 0.03


def test_an_unknown_class_is_refused_and_the_known_ones_are_named():
    with pytest.raises(ValueError, match=r"hat.*sneaker"):
        WISHES["fashion_mnist"].read("hat")


def test_what_is_asked_of_faces_holds_and_the_rest_is_open():
    faces = WISHES["portraits"]
    c = faces.conditions(faces.read("a blue cap"), 50, seed=2)
    whole = portraits.one_hot(portraits.sample(50, 2))
    assert c.shape == whole.shape
    assert not torch.equal(c, whole)
    assert faces.word("hat", faces.read("a blue cap")["hat"]) == "cap"


def test_a_sentence_goes_to_the_model_as_it_is():
    said = "a calm person with a bald head and a green cap"
    sentences = sample.MODELS["text_flow_portraits"].wishes
    asked = sentences.read(said)
    assert sentences.conditions(asked, 3, 0, said) == [said] * 3
    assert sentences.word("hat", asked["hat"]) == "cap"


def test_without_a_sentence_portraits_as_they_come_are_asked_for():
    sentences = sample.MODELS["text_flow_portraits"].wishes
    drawn = sentences.conditions({}, 5, 2)
    assert len(set(drawn)) == 5 and drawn == sentences.conditions({}, 5, 2)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("a bald person with long red hair", "bald"),
        ("a purpel cap", "purple"),
        ("a face wearing a cap", "wearing"),  # which a description may say, and no caption does
        ("a face with glasses", "'glasses' is understood together with other words"),
        ("a smiling face with green hair", "'green' is understood together with other words"),
        ("a face without a hat", "'without'.*left out"),
        ("", "no word"),
        ("a face", "nothing is asked for"),
    ],
)
def test_sentences_that_cannot_be_drawn_are_refused_with_the_reason(said, why):
    with pytest.raises(ValueError, match=why):
        sample.MODELS["text_flow_portraits"].wishes.read(said)
