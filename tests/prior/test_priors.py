"""The causal and the masked prior: masks by perturbation, sampling by brute force."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from small_priors import grids, shaken

from genimg_lib.prior import CausalPrior, MaskedPrior, draw, gumbel, keep_schedule
from genimg_lib.prior.masked import hidden_places

# ------------------------------------------------------------------ causal


def test_no_later_token_moves_an_earlier_logit_and_each_earlier_one_does():
    prior, tokens = shaken(CausalPrior(8, (3, 3), width=16, depth=2, heads=2)), grids()
    before = prior(tokens)
    for place in range(9):
        other = tokens.clone()
        other.view(4, 9)[:, place] = (other.view(4, 9)[:, place] + 1) % 8
        moved = (prior(other) - before).abs().amax(dim=(0, 2)) > 1e-6
        assert not moved[: place + 1].any()
        assert moved[place + 1 :].all()


def test_the_cache_gives_the_logits_of_one_pass():
    prior, tokens = shaken(CausalPrior(8, (3, 3), width=16, depth=2, heads=2)), grids()
    flat, place = tokens.flatten(1), itertools.count()
    steps = prior.steps(torch.full((4, 1), prior.start), None, lambda: flat[:, next(place)])
    one_by_one = torch.stack(list(steps), dim=1)
    torch.testing.assert_close(one_by_one, prior(tokens), atol=1e-5, rtol=1e-4)


def test_nats_are_those_of_all_grids_of_a_small_world():
    prior = shaken(CausalPrior(2, (1, 3), width=16, depth=1, heads=2))
    world = torch.tensor(list(itertools.product((0, 1), repeat=3))).view(8, 1, 3)
    assert (-prior.nats(world)).exp().sum().item() == pytest.approx(1.0, abs=1e-5)


def test_samples_come_as_often_as_their_nats_say():
    prior = shaken(CausalPrior(2, (1, 2), width=16, depth=1, heads=2))
    torch.manual_seed(0)
    n = 40_000
    found = prior.sample(torch.rand(n, 1, 2)).view(n, 2)
    share = torch.bincount(2 * found[:, 0] + found[:, 1], minlength=4) / n
    world = torch.tensor(list(itertools.product((0, 1), repeat=2))).view(4, 1, 2)
    expected = (-prior.nats(world)).exp()
    assert (share - expected).abs().max() < 4 * 0.5 / n**0.5


def test_a_condition_moves_every_logit():
    prior = shaken(CausalPrior(8, (2, 2), width=16, depth=1, heads=2, conditions=3))
    tokens = grids(shape=(2, 2))
    told = prior(tokens, torch.eye(3)[[0, 1, 2, 0]]) - prior(tokens, torch.eye(3)[[1, 2, 0, 1]])
    assert (told.abs().amax(dim=2) > 1e-6).all()
    with pytest.raises(ValueError, match="condition"):
        prior(tokens)


@pytest.mark.parametrize("kind", [CausalPrior, MaskedPrior])
def test_tokens_that_it_was_not_trained_on_are_refused(kind):
    prior = kind(8, (3, 3), width=16, depth=1, heads=2)
    for bad in (grids(shape=(2, 3)), grids() + 5, grids() - 1, grids().float()):
        with pytest.raises(ValueError, match="expected tokens"):
            prior(bad) if kind is CausalPrior else prior(bad, torch.zeros_like(bad).bool())


@pytest.mark.parametrize("grid", [(4, 4), (2, 3), (9, 9)])
def test_noise_for_another_grid_is_refused(grid):
    prior = CausalPrior(8, (3, 3), width=16, depth=1, heads=2)
    with pytest.raises(ValueError, match=r"\[N, 3, 3\]"):
        prior.sample(torch.rand(2, *grid))


def test_no_grids_have_no_nats():
    prior = CausalPrior(8, (3, 3), width=16, depth=1, heads=2)
    assert prior.nats(grids(n=0)).shape == (0,)


def test_heads_have_to_divide_the_width():
    with pytest.raises(ValueError, match="10"):
        CausalPrior(8, (3, 3), width=10, heads=4)


# ------------------------------------------------------------------ masked


def test_what_a_hidden_place_holds_does_not_count():
    prior, tokens = shaken(MaskedPrior(8, (3, 3), width=16, depth=2, heads=2)), grids()
    hidden = torch.rand(4, 3, 3, generator=torch.Generator().manual_seed(1)) < 0.5
    other = torch.where(hidden, (tokens + 3) % 8, tokens)
    torch.testing.assert_close(prior(tokens, hidden), prior(other, hidden))
    seen = torch.where(hidden, tokens, (tokens + 3) % 8)
    assert not torch.allclose(prior(tokens, hidden), prior(seen, hidden))


def test_a_random_order_of_single_places_gives_the_models_own_distribution():
    """Two tokens, two passes, places kept at random: brute force over both orders."""
    prior = shaken(MaskedPrior(2, (1, 2), width=16, depth=1, heads=2))
    torch.manual_seed(0)
    n = 40_000
    noise = (2, n, 1, 2)
    found = prior.sample(torch.rand(noise), gumbel(noise), passes=2, randomness=math.inf)
    share = torch.bincount((2 * found[:, 0, 0] + found[:, 0, 1]), minlength=4) / n

    def p(tokens, hidden):
        logits = prior(torch.tensor(tokens).view(1, 1, 2), torch.tensor(hidden).view(1, 1, 2))
        return torch.softmax(logits, dim=-1)  # a row a hidden place

    blank = p([0, 0], [True, True])
    expected = torch.zeros(4)
    for a, b in itertools.product((0, 1), repeat=2):
        first_then = blank[0, a] * p([a, 0], [False, True])[0, b]
        second_then = blank[1, b] * p([0, b], [True, False])[0, a]
        expected[2 * a + b] = 0.5 * (first_then + second_then)
    assert (share - expected).abs().max() < 4 * 0.5 / n**0.5


def test_given_tokens_stay():
    prior = shaken(MaskedPrior(8, (3, 3), width=16, depth=1, heads=2))
    given = grids()
    keep = torch.rand(4, 3, 3) < 0.4
    noise = (5, 4, 3, 3)
    found = prior.sample(torch.rand(noise), gumbel(noise), passes=5, given=given, keep=keep)
    assert (found[keep] == given[keep]).all()
    assert 0 <= found.min() <= found.max() < 8


@pytest.mark.parametrize("only", ["given", "keep"])
def test_what_is_given_and_where_it_stays_go_together(only):
    prior = MaskedPrior(8, (3, 3), width=16, depth=1, heads=2)
    noise, both = torch.rand(5, 4, 3, 3), {"given": grids(), "keep": grids() > 3}
    with pytest.raises(ValueError, match="both"):
        prior.sample(noise, noise, passes=5, **{only: both[only]})


def test_noise_for_another_number_of_passes_is_refused():
    prior = MaskedPrior(8, (3, 3), width=16, depth=1, heads=2)
    noise = torch.rand(5, 2, 3, 3)
    with pytest.raises(ValueError, match="passes=8"):
        prior.sample(noise, noise)


def test_the_share_hidden_falls_from_all_to_none():
    shares = [keep_schedule(k / 8) for k in range(9)]
    assert shares[0] == 1
    assert shares[-1] == 0
    assert shares == sorted(shares, reverse=True)


def test_training_hides_the_asked_share_and_at_least_one():
    u = torch.tensor([0.0, 0.5, 1.0])
    hidden = hidden_places(u, torch.rand(3, 4, 5))
    assert hidden.flatten(1).sum(dim=1).tolist() == [20, math.ceil(20 * math.sqrt(0.5)), 1]


def test_the_masked_loss_is_the_cross_entropy_of_hidden_tokens():
    prior, tokens = shaken(MaskedPrior(8, (3, 3), width=16, depth=1, heads=2)), grids()
    u, noise = torch.rand(4), torch.rand(4, 3, 3)
    hidden = hidden_places(u, noise)
    log_p = torch.log_softmax(prior(tokens, hidden), dim=1)
    own = log_p[range(len(log_p)), tokens[hidden]]
    torch.testing.assert_close(prior.loss(tokens, u, noise), -own.mean())


def test_each_logit_belongs_to_its_hidden_place():
    prior, tokens = shaken(MaskedPrior(8, (3, 3), width=16, depth=1, heads=2)), grids()
    every = torch.ones_like(tokens, dtype=torch.bool)
    whole = prior(tokens, every).view(4, 9, 8)
    h = prior.embedded(torch.full((4, 9), prior.hidden), None) + prior.places()
    torch.testing.assert_close(whole, prior.run(h, causal=False))


# ------------------------------------------------------------------ drawing


def test_draws_have_the_probabilities_asked_for():
    torch.manual_seed(0)
    logits = torch.randn(7)
    found = draw(logits.expand(60_000, 7), torch.rand(60_000))
    share = torch.bincount(found, minlength=7) / 60_000
    p = torch.softmax(logits, dim=0)
    assert (60_000 * (share - p).square() / p).sum() < 22.5  # chi-squared, 6 degrees, 0.1 %


def test_the_ends_of_u_stay_inside():
    logits = torch.tensor([[-math.inf, 0.0, 0.0, -math.inf]])
    for u in (0.0, 1.0 - 1e-7):
        assert draw(logits, torch.tensor([u])).item() in (1, 2)


def test_noise_in_double_precision_draws_the_same():
    logits, u = torch.randn(50, 7), torch.rand(50)
    assert torch.equal(draw(logits, u.double()), draw(logits, u))


def test_temperature_sharpens_and_zero_takes_the_largest():
    logits = torch.tensor([0.0, 1.0, 0.5]).expand(10_000, 3)
    u = torch.rand(10_000)
    hot, cold = draw(logits, u, 2.0), draw(logits, u, 0.2)
    assert (cold == 1).double().mean() > (hot == 1).double().mean() + 0.2
    assert (draw(logits, u, 0) == 1).all()
    with pytest.raises(ValueError, match="-1"):
        draw(logits, u, -1)
    with pytest.raises(ValueError, match="10000"):
        draw(logits, u[:5])


def test_the_largest_with_gumbel_noise_comes_as_often_as_it_is_probable():
    p = torch.tensor([0.1, 0.2, 0.7])
    noise = gumbel((40_000, 3), torch.Generator().manual_seed(0))
    share = (p.log() + noise).argmax(dim=1).bincount() / 40_000
    assert (share - p).abs().max() < 0.01


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_torchs_own(causal):
    block = shaken(CausalPrior(8, (3, 3), width=16, depth=1, heads=2)).blocks[0]
    h = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(0))
    q, k, v = block.qkv(h).unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
    wanted = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    found = block._attended(h, causal, None)
    torch.testing.assert_close(found, wanted.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("bad", [-0.1, 1.0, math.nan])
def test_noise_that_is_not_uniform_is_refused(bad):
    u = torch.tensor([0.5, bad])
    with pytest.raises(ValueError, match=r"torch\.rand makes it"):
        draw(torch.zeros(2, 5), u)


def test_tokens_of_any_whole_numbers_have_the_same_nats():
    net = CausalPrior(7, (2, 2), width=8, depth=1, heads=2)
    tokens = torch.randint(7, (3, 2, 2))
    for dtype in (torch.int32, torch.uint8):
        assert torch.equal(net.nats(tokens.to(dtype)), net.nats(tokens))


def test_a_masked_prior_refuses_shares_and_masks_of_another_kind():
    net = MaskedPrior(7, (2, 2), width=8, depth=1, heads=2)
    tokens, noise = torch.zeros(3, 2, 2, dtype=torch.long), torch.rand(3, 2, 2)
    for u in (torch.rand(1), torch.tensor([0.5, 5.0, 9.0])):
        with pytest.raises(ValueError, match="expected u"):
            net.loss(tokens, u, noise)
    u = torch.rand(8, 3, 2, 2)
    for keep in (torch.ones(3, 2, 2), torch.ones(1, 2, 2, dtype=torch.bool)):
        with pytest.raises(ValueError, match="keep of bools"):
            net.sample(u, u, given=tokens, keep=keep)
