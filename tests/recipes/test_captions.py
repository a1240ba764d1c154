"""The recipes of captions: what they give, and what the shipped models know."""

import pytest
import torch

from genimg_lib import pretrained, text
from genimg_lib.data import portraits
from genimg_lib.recipes import captions as recipe
from genimg_lib.training import start


def test_a_few_steps_give_what_the_facts_describe(monkeypatch):
    monkeypatch.setattr(recipe, "IMAGE", {"channels": 3, "size": 32, "width": 16, "depth": 1})
    monkeypatch.setattr(recipe, "BATCH", 4)
    trained = recipe.train(start("captions"), 0.03, images=300)
    again = text.CaptionModel(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert trained.net.typical.limit < 1e4


def test_so_does_the_contrastive_model(monkeypatch):
    monkeypatch.setattr(recipe, "IMAGE", {"channels": 3, "size": 32, "width": 16, "depth": 1})
    monkeypatch.setattr(recipe, "TOGETHER", 8)
    trained = recipe.train_contrastive(start("contrastive"), 0.03, images=300)
    again = text.ContrastiveModel(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert len(trained.facts["vocabulary"]) + 3 == trained.facts["network"]["words"]


def test_the_shipped_captioner_names_what_is_there_and_is_as_sure_as_it_is_right():
    facts, model = pretrained.facts("captions_portraits"), pretrained.load_captions()
    found = recipe.measure(model, n=300)
    for name in ("f1_seen", "f1_unseen", "calibration_error_seen"):
        assert found[name] == pytest.approx(facts[name], abs=0.02)
    assert found["f1_seen"] > 0.97
    assert found["calibration_error_seen"] < 0.03
    assert min(found["other_pictures_auc"].values()) > 0.97


def test_the_shipped_contrastive_model_finds_the_right_one():
    facts, model = pretrained.facts("contrastive_portraits"), pretrained.load_contrastive()
    tokenizer = text.Tokenizer(facts["vocabulary"], facts["network"]["length"])
    found = recipe.matched(model, tokenizer, n=300)
    for name, value in found.items():
        assert value == pytest.approx(facts[name], abs=0.06)
    assert found["matched_of_100_seen"] > 0.8


def test_noise_is_at_most_as_strong_as_said():
    x = torch.zeros(200, 3, 32, 32)
    strengths = recipe.noisy(x).flatten(1).std(dim=1)
    assert strengths.max() < 1.1 * recipe.NOISE and strengths.min() < 0.2 * recipe.NOISE


def test_pictures_that_are_no_portraits_have_the_right_shape():
    for x in recipe.others(6).values():
        assert x.shape == (6, 3, 32, 32) and x.abs().max() <= 1


def test_told_portraits_leave_the_pairs_out():
    pixels, tokenizer, tokens = recipe.told_portraits(40, 0)
    assert pixels.shape == (40, 3, 32, 32) and tokens.shape[:2] == (40, recipe.CAPTIONS)
    factors = portraits.sample_split(40, 0)
    assert tokenizer.decode(tokens[:, 0].long()) == portraits.caption(factors, 0)
