"""What a network says and how its errors count: three kinds, two paths."""

import itertools

import pytest
import torch

from genimg_lib import flow
from genimg_lib.flow.losses import KINDS

PATHS = (flow.STRAIGHT, flow.CIRCULAR, flow.LINEAR)


def batch(n=6, seed=0):
    g = torch.Generator().manual_seed(seed)
    x, eps = torch.randn(2, n, 2, 3, 3, generator=g).double()
    return x, eps, 0.1 + 0.8 * torch.rand(n, generator=g).double()


@pytest.mark.parametrize(("path", "says", "counts"), list(itertools.product(PATHS, KINDS, KINDS)))
def test_an_error_is_that_of_the_guess_said_otherwise(path, says, counts):
    x, eps, t = batch()
    x_t = path.mix(x, eps, t)
    wrong = 0.3 * torch.ones_like(x)
    said = {"x": x, "eps": eps, "v": path.velocity(x, eps, t)}[says] + wrong
    guesses = path.guesses(x_t, t, **{says: said})
    truth = {"x": x, "eps": eps, "v": path.velocity(x, eps, t)}[counts]
    wanted = (getattr(guesses, counts) - truth).square().mean()
    loss = flow.guess_loss(lambda *_: said, x, eps, t, says, counts, path, floor=0.0)
    torch.testing.assert_close(loss, wanted)


def test_the_simple_loss_divides_by_nothing_at_either_end():
    x, eps, _ = batch(2)
    t = torch.tensor([0.0, 1.0]).double()
    loss = flow.guess_loss(lambda *_: eps + 2, x, eps, t, "eps", "eps", flow.CIRCULAR, floor=0.0)
    assert loss.item() == pytest.approx(4.0)


def test_matching_is_a_case_of_it():
    x, eps, t = batch()
    x, eps, t = x.float(), eps.float(), t.float() / 2 + 0.5
    torch.testing.assert_close(
        flow.guess_loss(lambda x, t: x.tanh(), x, eps, t),
        flow.matching_loss(lambda x, t: x.tanh(), x, eps, t),
    )


@pytest.mark.parametrize(("path", "says"), list(itertools.product(PATHS, KINDS)))
def test_what_is_said_becomes_a_denoiser(path, says):
    x, eps, t = batch()
    said = {"x": x, "eps": eps, "v": path.velocity(x, eps, t)}[says]
    denoise = flow.as_denoiser(lambda x_t, t: said, says, path, floor=1e-6)
    torch.testing.assert_close(denoise(path.mix(x, eps, t), t), x)


def test_noise_alone_gives_no_guess_without_bound():
    x_t, t = torch.ones(1, 1, 2, 2), torch.zeros(1)
    said = torch.zeros_like(x_t)
    guess = flow.x_from("eps", said, x_t, t, flow.CIRCULAR, floor=0.05)
    assert guess.max().item() == pytest.approx(20.0)


def test_conditions_are_handed_on():
    x, eps, t = batch(3)
    seen = []

    def net(x_t, t, c):
        seen.append(c)
        return x_t

    c = torch.ones(3, 5)
    flow.guess_loss(net, x, eps, t, c=c)
    flow.as_denoiser(net, "v")(x, t, c)
    assert all(given is c for given in seen) and len(seen) == 2


def test_unknown_kinds_and_other_shapes_are_refused():
    x, eps, t = batch()
    for kinds in ({"says": "score"}, {"counts": "noise"}):
        with pytest.raises(ValueError, match="known: x, eps, v"):
            flow.guess_loss(lambda x, t: x, x, eps, t, **kinds)
    with pytest.raises(ValueError, match=r"\[6, 1, 3, 3\]"):
        flow.guess_loss(lambda x, t: x[:, :1], x, eps, t)
    with pytest.raises(ValueError, match="known"):
        flow.as_denoiser(lambda x, t: x, "noise")
