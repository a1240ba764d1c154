"""The recipe of text to image: what is refused, and what the shipped flow obeys."""

import pytest
import torch

from genimg_lib import pretrained, text
from genimg_lib.data import portraits
from genimg_lib.recipes import text_flow as recipe
from genimg_lib.text_flow import TextFlow
from genimg_lib.training import start


def test_unknown_settings_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("text"), 1, widht=3)
    with pytest.raises(ValueError, match="rnn"):
        recipe.train(start("text"), 1, encoder="rnn")


@pytest.mark.parametrize("encoder", ["transformer", "bag"])
def test_a_few_steps_give_what_the_facts_describe(encoder):
    small = {"width": 8, "fine": 0, "batch": 4}
    trained = recipe.train(start("text"), 0.05, images=300, encoder=encoder, **small)
    again = TextFlow(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training


def test_pairs_of_neighbours_have_a_number_each_and_none_beside_pad():
    tokens = torch.tensor([[[3, 4, 2, 0], [4, 3, 2, 0]], [[3, 4, 3, 2], [4, 2, 0, 0]]])
    found = recipe.pairs_of(tokens)
    assert found.shape == (2, 2, 3)
    assert found[0, 0, 0] == found[1, 0, 0] != found[0, 1, 0]
    assert (found[0, :, 2] == 0).all() and (found[1, 1, 1:] == 0).all()
    assert (found[0, :, :2] > 0).all()


def test_one_text_of_each_image_is_told():
    tokens = torch.arange(24).view(4, 3, 2).short()
    told = recipe.one_of(tokens)
    assert told.shape == (4, 2) and told.dtype == torch.int64
    assert all(any(torch.equal(row, t.long()) for t in tokens[k]) for k, row in enumerate(told))


def test_what_is_told_is_true_and_leaves_the_pairs_out():
    factors = portraits.sample_split(50, 0)
    texts = recipe.told_texts(factors)
    assert len(texts) == recipe.CAPTIONS + recipe.WISHES
    for column in texts:
        for k, line in enumerate(column):
            asked = portraits.factors_of(line)
            assert all(factors[name][k].item() == value for name, value in asked.items())


def test_the_shipped_flow_obeys_as_its_facts_say():
    facts, net = pretrained.facts("text_flow_portraits"), pretrained.load_text_flow()
    found = recipe.measure(net, n=300)
    for kind, least in (("seen", 0.95), ("unseen", 0.88)):
        obeyed = found[f"obeyed_{kind}_w2"]
        mean = sum(obeyed.values()) / len(obeyed)
        stored = facts[f"obeyed_{kind}_w2"]
        assert mean == pytest.approx(sum(stored.values()) / len(stored), abs=0.03)
        assert mean > least
        assert found[f"strayed_{kind}_w2"] <= 0.03


def test_the_shipped_flow_knows_every_word_of_the_captions():
    net = pretrained.load_text_flow()
    factors = portraits.sample(2_000, seed=9)
    for texts in (portraits.caption(factors, 3), portraits.wish(factors, 3)):
        assert net.encode(texts).shape == (2_000, net.tokenizer.length)
    assert (net.encode("a face with a cap") != text.PAD).sum() == 6
