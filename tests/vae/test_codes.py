"""Quantisers against loops, finite differences and round trips."""

import math

import pytest
import torch

from genimg_lib.vae import codes


def maps(n=2, d=4, side=3, seed=0):
    return torch.randn(n, d, side, side, generator=torch.Generator().manual_seed(seed))


def quantisers():
    return [codes.VectorQuantizer(16, 4), codes.EMAVectorQuantizer(16, 4), codes.FSQ((8, 5, 5, 5))]


@pytest.mark.parametrize("which", range(3))
def test_decoding_the_tokens_gives_what_the_decoder_saw(which):
    quantiser, h = quantisers()[which].eval(), maps()
    found = quantiser(h)
    torch.testing.assert_close(quantiser.decode(found.tokens), found.z)
    assert found.tokens.shape == (2, 3, 3)
    assert found.tokens.dtype == torch.long


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("bad", [maps(d=3), maps()[0]])
def test_maps_of_another_width_are_refused(which, bad):
    with pytest.raises(ValueError, match=r"\[N, 4, H, W\]"):
        quantisers()[which](bad)


@pytest.mark.parametrize("which", range(3))
def test_tokens_out_of_range_or_of_another_kind_are_refused(which):
    quantiser = quantisers()[which]
    for bad in (torch.full((1, 2, 2), quantiser.codes), torch.full((1, 2, 2), -1)):
        with pytest.raises(ValueError, match=str(quantiser.codes - 1)):
            quantiser.decode(bad)
    with pytest.raises(ValueError, match="whole numbers"):
        quantiser.decode(torch.zeros(1, 2, 2))


def test_the_nearest_vector_is_found_as_by_cdist():
    quantiser, h = codes.VectorQuantizer(16, 4), maps(seed=3)
    flat = h.movedim(1, -1).reshape(-1, 4)
    expected = torch.cdist(flat, quantiser.codebook).argmin(dim=1).view(2, 3, 3)
    assert (quantiser.nearest(h) == expected).all()


def test_the_gradient_goes_straight_through_and_matches_the_surrogate():
    """For f(z), the gradient at h is that of f at the quantised z: finite differences of f."""
    quantiser = codes.VectorQuantizer(16, 4, beta=0.0).double()
    h = maps().double().requires_grad_(True)
    target = maps(seed=5).double()

    def f(z):
        return (z - target).pow(4).sum()

    found = quantiser(h)
    f(found.z).backward()
    z, step = found.z.detach(), 1e-5
    for place in [(0, 0, 0, 0), (1, 3, 2, 1), (0, 2, 1, 1)]:
        moved = torch.zeros_like(z)
        moved[place] = step
        slope = (f(z + moved) - f(z - moved)) / (2 * step)
        assert h.grad[place].item() == pytest.approx(slope.item(), rel=1e-6)
    assert quantiser.codebook.grad is None or not quantiser.codebook.grad.any()


def test_each_term_of_the_loss_moves_what_it_should():
    h = maps().requires_grad_(True)
    quantiser = codes.VectorQuantizer(16, 4, beta=0.25)
    quantiser(h).loss.backward()
    z = quantiser.decode(quantiser.nearest(h)).detach()
    torch.testing.assert_close(h.grad, 0.25 * 2 * (h.detach() - z) / h.numel())
    assert quantiser.codebook.grad.any()
    free = codes.VectorQuantizer(16, 4, beta=0.0)
    h.grad = None
    free(h).loss.backward()
    assert not h.grad.any()  # without commitment the codebook alone moves


def test_the_averages_are_those_of_a_loop():
    quantiser = codes.EMAVectorQuantizer(5, 4, decay=0.9, restart=0.0).train()
    quantiser(maps(n=8))  # begins
    counts, sums = quantiser.counts.clone(), quantiser.sums.clone()
    h = maps(n=8, seed=9)
    tokens = quantiser.nearest(h).flatten()
    flat = h.movedim(1, -1).reshape(-1, 4)
    for k in range(5):
        mine = [flat[i] for i in range(len(flat)) if tokens[i] == k]
        counts[k] = 0.9 * counts[k] + 0.1 * len(mine)
        sums[k] = 0.9 * sums[k] + 0.1 * sum(mine, torch.zeros(4))
    quantiser(h)
    torch.testing.assert_close(quantiser.counts, counts)
    torch.testing.assert_close(quantiser.sums, sums)
    torch.testing.assert_close(quantiser.codebook, sums / counts[:, None], rtol=1e-3, atol=1e-3)


def test_the_codebook_settles_on_the_means_of_its_clusters():
    centres = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 3.0]])
    quantiser = codes.EMAVectorQuantizer(3, 2, decay=0.8)
    torch.manual_seed(0)
    for _ in range(60):
        points = centres[torch.randint(3, (64,))] + 0.1 * torch.randn(64, 2)
        quantiser(points.view(64, 2, 1, 1))
    near = torch.cdist(centres, quantiser.codebook).min(dim=1).values
    assert (near < 0.1).all()


def test_dead_codes_begin_again_and_in_eval_nothing_moves():
    torch.manual_seed(0)
    dead, alive = (codes.EMAVectorQuantizer(64, 2, decay=0.9, restart=r) for r in (0.0, 0.03))
    for quantiser in (dead, alive):
        quantiser(torch.zeros(64, 2, 1, 1) + 0.01 * torch.randn(64, 2, 1, 1))  # all near one point
        for _ in range(100):
            quantiser(torch.randn(256, 2, 1, 1))
    assert codes.usage(alive.eval()(torch.randn(4_000, 2, 1, 1)).tokens, 64).used > 0.95
    assert codes.usage(dead.eval()(torch.randn(4_000, 2, 1, 1)).tokens, 64).used < 0.95
    before = alive.codebook.clone()
    alive(torch.randn(256, 2, 1, 1))
    assert torch.equal(before, alive.codebook)


def test_the_gradient_never_reaches_an_averaged_codebook():
    quantiser = codes.EMAVectorQuantizer(8, 4)
    assert not list(quantiser.parameters())
    assert {"codebook", "counts", "sums"} <= set(quantiser.state_dict())


@pytest.mark.parametrize("levels", [(2,), (3, 3), (8, 5, 5, 5), (7, 5, 5, 5), (2, 2, 4)])
def test_every_code_of_fsq_has_its_own_vector_and_all_are_reached(levels):
    fsq = codes.FSQ(levels)
    tokens = torch.arange(fsq.codes).view(-1, 1, 1)
    z = fsq.decode(tokens)
    assert len(z.flatten(1).unique(dim=0)) == fsq.codes
    noise = torch.randn(60_000, len(levels), 1, 1, generator=torch.Generator().manual_seed(0))
    h = torch.cat([1.5 * noise, 6 * noise])  # the border of 2 levels lies at -3.8
    assert codes.usage(fsq(h).tokens, fsq.codes).used == 1.0


def test_odd_levels_are_symmetrical_and_even_ones_are_not():
    assert codes.FSQ((5,)).decode(torch.arange(5).view(5, 1, 1)).flatten().tolist() == [
        -1.0,
        -0.5,
        0.0,
        0.5,
        1.0,
    ]
    assert codes.FSQ((4,)).decode(torch.arange(4).view(4, 1, 1)).flatten().tolist() == [
        -1.0,
        -0.5,
        0.0,
        0.5,
    ]


def test_fsq_is_rounding_with_the_gradient_of_its_bound():
    fsq, h = codes.FSQ((5, 5, 5, 5)).double(), maps().double().requires_grad_(True)
    z = fsq(h).z
    grid = 2 * z.detach()
    torch.testing.assert_close(grid, grid.round())
    z.sum().backward()
    bounded = h.detach().requires_grad_(True)
    (fsq.bounded(bounded) / 2).sum().backward()
    torch.testing.assert_close(h.grad, bounded.grad)


@pytest.mark.parametrize("levels", [(), (1,), (5, 0), (5.0, 3), 1])
def test_levels_below_two_are_refused(levels):
    with pytest.raises(ValueError, match="2 or more"):
        codes.FSQ(levels)


def test_a_codebook_of_one_is_refused():
    with pytest.raises(ValueError, match="got 1"):
        codes.VectorQuantizer(1, 4)


def test_usage_counts_codes_and_their_evenness():
    assert codes.usage(torch.tensor([0, 1, 2, 3]), 8) == pytest.approx((0.5, 4.0))
    uneven = torch.tensor([0] * 9 + [1])
    perplexity = math.exp(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))
    assert codes.usage(uneven, 2) == pytest.approx((1.0, perplexity))
    with pytest.raises(ValueError, match="none"):
        codes.usage(torch.zeros(0, 8, 8).long(), 8)


def test_half_precision_maps_are_quantised_in_full():
    quantiser = codes.FSQ((8, 5, 5, 5))
    assert quantiser(maps().bfloat16()).z.dtype == torch.float32


def test_the_straight_through_value_is_the_quantised_one():
    h, z = maps(), maps(seed=1)
    torch.testing.assert_close(codes.straight_through(h, z), z)


def test_the_parts_of_a_code_are_its_digits():
    q = codes.FSQ((3, 5, 2))
    every = torch.arange(q.codes).view(-1, 1, 1)
    parts, digits = q.parts(), q.digits(every).flatten(1)
    assert parts.shape == (30, 10) and (parts.sum(dim=1) == 3).all()
    assert torch.equal(parts @ parts.T, (digits[:, None] == digits).sum(dim=2).float())
    z = q.decode(every).flatten(1)
    assert torch.equal(digits, (z * torch.tensor([1, 2, 1])).long() + torch.tensor([1, 2, 1]))


@pytest.mark.parametrize("which", range(3))
def test_autocast_changes_nothing(which):
    torch.manual_seed(0)
    one, other = quantisers()[which].train(), quantisers()[which].train()
    other.load_state_dict(one.state_dict())
    for seed in range(3):
        torch.manual_seed(seed)
        plain = one(maps(n=8, seed=seed))
        torch.manual_seed(seed)
        with torch.autocast("cpu", torch.bfloat16):
            cast = other(maps(n=8, seed=seed))
        assert torch.equal(plain.tokens, cast.tokens)
        assert torch.equal(plain.z, cast.z) and torch.equal(plain.loss, cast.loss)


def test_outputs_in_half_precision_are_averaged_in_full():
    torch.manual_seed(0)
    q = codes.EMAVectorQuantizer(16, 4, decay=0.5, restart=0.5).train()
    for seed in range(4):  # long enough for dead codes to begin again
        q(maps(n=4, seed=seed).bfloat16())
    assert q.codebook.dtype == q.sums.dtype == torch.float32
    assert q.codebook.isfinite().all()


def test_a_codebook_begins_without_two_equal_codes_while_there_are_other_outputs():
    h = maps(n=4)
    outputs = h[0, 0].numel() * len(h)
    quantiser = codes.VectorQuantizer(outputs - 1, h.shape[1])
    quantiser.train()(h)
    assert len(quantiser.codebook.unique(dim=0)) == outputs - 1


def test_a_learned_codebook_begins_at_outputs_of_the_first_batch():
    for quantiser in quantisers()[:2]:
        h = maps(n=4)
        before = quantiser.codebook.clone()
        quantiser.eval()(h)
        assert torch.equal(quantiser.codebook, before)
        quantiser.train()(h)
        assert quantiser.has_begun
        if isinstance(quantiser.codebook, torch.nn.Parameter):
            outputs = h.movedim(1, -1).flatten(0, -2)
            assert torch.cdist(quantiser.codebook, outputs).min(dim=1).values.max() < 1e-2


@pytest.mark.parametrize("quantizer", [codes.VectorQuantizer(8, 2), codes.FSQ((3, 5))])
@pytest.mark.parametrize("shape", [(3, 3), (1, 1, 3, 3)])
def test_tokens_that_are_no_grids_are_refused(quantizer, shape):
    with pytest.raises(ValueError, match=r"tokens\[:1\]"):
        quantizer.decode(torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("setting", [{"decay": 1.5}, {"decay": -3}, {"restart": 5}, {"beta": -1}])
def test_settings_that_are_no_shares_are_refused(setting):
    with pytest.raises(ValueError, match=str(next(iter(setting.values())))):
        codes.EMAVectorQuantizer(8, 2, **setting)
