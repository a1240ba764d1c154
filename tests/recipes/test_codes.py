"""The recipe of tokens and priors: a few steps of each half, and what is refused."""

import pytest
import torch

from genimg_lib.recipes import codes as recipe
from genimg_lib.token_model import TokenModel
from genimg_lib.training import start

SMALL = {"images": 64, "width": 8, "depth": 1, "prior_width": 16, "prior_depth": 1}
SMALL |= {"batch": 8, "prior_batch": 8, "levels": (3, 3)}


def test_a_few_steps_give_a_model_that_draws_what_it_is_told():
    trained = recipe.train(start("codes"), 0.03, **SMALL)
    net, network = trained.net, trained.facts["network"]
    c = torch.zeros(3, network["conditions"])
    for kind in ("causal", "masked"):
        with torch.no_grad():
            one, again = (net.sample(3, torch.Generator().manual_seed(1), c, kind) for _ in "ab")
        assert one.shape == (3, 3, 32, 32) and one.abs().max() <= 1
        assert torch.equal(one, again)
    fresh = TokenModel(**network)  # what the facts say is enough to load the weights
    fresh.load_state_dict(net.state_dict())


def test_an_unknown_setting_is_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("codes"), 1, widht=3)
    with pytest.raises(ValueError, match="'mnist'"):
        recipe.train(start("codes"), 1, "mnist")
