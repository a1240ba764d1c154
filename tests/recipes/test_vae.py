"""The recipe of the VAE: what is refused, and what the shipped model reaches."""

import pytest
import torch

from genimg_lib import data, layers, metrics, pretrained, weights
from genimg_lib.data import portraits
from genimg_lib.recipes import vae as recipe
from genimg_lib.training import start


def test_an_unknown_change_is_refused_before_any_work():
    with pytest.raises(ValueError, match="latnt"):
        recipe.train(start("vae"), 1, latnt=3)


@pytest.mark.parametrize("told", [False, True])
def test_a_few_steps_give_what_the_facts_describe(told):
    trained = recipe.train(start("vae"), 0.02, told=told, images=64, width=8, latent=4, batch=8)
    net = trained.net
    assert not net.training and (net.prior is not None) == told
    c = (torch.zeros(2, net.encoder.conditions),) if told else ()
    assert net.sample(torch.zeros(2, 4), *c).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("name", pretrained.VAES)
def test_the_shipped_model_reaches_what_its_facts_say(name):
    facts, net = weights.facts(name), pretrained.load_vae(name)
    test = data.load("portraits", "test", n=1_000, seed=9)
    eps = torch.randn(1_000, net.decoder.latent, generator=torch.Generator().manual_seed(4))
    c = portraits.one_hot(test.factors)
    made = torch.cat([net.sample(*part) for part in layers.parts(eps, c)])
    read = metrics.Evaluator("portraits").read(made)
    for factor in ("hair", "hair_color", "glasses", "hat", "mouth"):
        right = (read[factor] == test.factors[factor]).double().mean().item()
        assert right > 0.9 and abs(right - facts[f"accuracy_{factor}"]) < 0.03


def test_with_an_adversary_the_decoder_is_finished_by_it():
    changes = {"images": 64, "width": 8, "latent": 4, "batch": 8, "fine": 4}
    run = start("vae")
    trained = recipe.train(run, 0.04, told=True, adversary=0.01, **changes)
    assert set(run.minutes_trained) == {"train", "finish"}
    assert trained.facts["network"]["fine"] == 4
    assert not trained.net.training


def test_another_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match="conv_vae_portraits"):
        pretrained.load_vae("vae")
