"""An autoencoder with codes and priors in one: what it draws, and what it refuses."""

import pytest
import torch

from genimg_lib.token_model import TokenModel

SMALL = {"channels": 1, "size": 16, "conditions": 2, "levels": (3, 5), "width": 8, "depth": 1}
SMALL |= {"prior_width": 16, "prior_depth": 1}


def seeded(**more):
    torch.manual_seed(0)
    return TokenModel(**SMALL | more).eval()


@pytest.mark.parametrize("kind", ["causal", "masked"])
@torch.no_grad()
def test_images_are_those_of_the_tokens_that_the_same_noise_gives(kind):
    net, c = seeded(), torch.eye(2)
    tokens = net.tokens(2, torch.Generator().manual_seed(4), c, kind)
    images = net.sample(2, torch.Generator().manual_seed(4), c, kind)
    assert tokens.shape == (2, 4, 4) and tokens.min() >= 0 and tokens.max() < 15
    assert torch.equal(images, net.images.decode(tokens))


def test_codes_with_a_common_digit_learn_from_each_other():
    prior = seeded().priors["causal"]
    before = prior.outward().detach().clone()
    opt = torch.optim.SGD(prior.parameters(), 1.0)
    only = torch.zeros(1, 4, 4, dtype=torch.long)  # code 0: digits 0 and 0
    prior.nats(only, torch.zeros(1, 2)).sum().backward()
    opt.step()
    moved = (prior.outward() - before).detach()
    along = moved @ moved[0]
    related, strange = along[[3, 6, 1, 2]], along[[4, 5, 7, 8]]  # one digit of 0 in common, none
    assert related.min() > strange.max() + 0.1 * along[0]


def test_a_prior_that_it_lacks_and_one_that_nobody_knows_are_refused():
    with pytest.raises(ValueError, match="masked"):
        seeded(kinds=("masked",)).tokens(1, None, torch.zeros(1, 2), "causal")
    with pytest.raises(ValueError, match="recurrent"):
        seeded(kinds=("recurrent",))
