"""The recipe of tokens and priors: a few steps of each half, and what is refused."""

import pytest
import torch

from genimg_lib.recipes import codes as recipe
from genimg_lib.training import start

SMALL = {"images": 64, "width": 8, "depth": 1, "prior_width": 16, "prior_depth": 1}


@pytest.mark.parametrize("kind", recipe.KINDS)
def test_a_few_steps_give_a_model_that_draws_what_it_is_told(kind):
    trained = recipe.train(start("codes"), 0.02, kind=kind, batch=8, levels=(3, 3), **SMALL)
    net, network = trained.net, trained.facts["network"]
    c = torch.zeros(3, network["conditions"])
    with torch.no_grad():
        one, again = (net.sample(3, torch.Generator().manual_seed(1), c) for _ in range(2))
    assert one.shape == (3, 3, 32, 32) and one.abs().max() <= 1
    assert torch.equal(one, again)
    fresh = recipe.TokenModel(**network)  # what the facts say is enough to load the weights
    fresh.load_state_dict(net.state_dict())


def test_an_unknown_setting_or_prior_is_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("codes"), 1, widht=3)
    with pytest.raises(ValueError, match="causal"):
        recipe.TokenModel("recurrent", 3, 32, 4)
