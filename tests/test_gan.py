"""Losses, penalties, augmentation and networks of the game, and at the extremes.

Against formulas, loops and finite differences in float64.
"""

import copy
import math
import re

import pytest
import scipy.stats
import torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import parametrize

from genimg_lib import gan

seeds = st.integers(0, 10**6)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ------------------------------------------------------------------ losses

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=9).map(
    lambda v: torch.tensor(v, dtype=torch.float64)
)


@given(real=logits, fake=logits)
def test_the_discriminators_loss_is_minus_the_value(real, fake):
    value = sum(math.log(1 / (1 + math.exp(-a))) for a in real.tolist()) / len(real) + sum(
        -math.log1p(math.exp(a)) for a in fake.tolist()
    ) / len(fake)
    assert gan.minimax_d_loss(real, fake).item() == pytest.approx(-value, rel=1e-9)


@given(fake=logits)
def test_the_generators_losses_are_their_formulas(fake):
    assert gan.minimax_g_loss(fake).item() == pytest.approx(
        sum(-math.log1p(math.exp(a)) for a in fake.tolist()) / len(fake), rel=1e-9
    )
    assert gan.nonsaturating_g_loss(fake).item() == pytest.approx(
        sum(math.log1p(math.exp(-a)) for a in fake.tolist()) / len(fake), rel=1e-9
    )


@given(a=st.floats(-30, 30))
def test_the_slopes_are_minus_d_and_minus_one_minus_d(a):
    D = 1 / (1 + math.exp(-a))
    for loss, slope in ((gan.minimax_g_loss, -D), (gan.nonsaturating_g_loss, -(1 - D))):
        logit = torch.tensor([a], dtype=torch.float64, requires_grad=True)
        loss(logit).backward()
        # torch's softplus is exact to e^-20
        assert logit.grad.item() == pytest.approx(slope, rel=1e-9, abs=3e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_nothing_overflows_at_ten_thousand(dtype):
    a = torch.tensor([-1e4, 1e4], dtype=dtype, requires_grad=True)
    for loss in (gan.minimax_d_loss(a, a), gan.minimax_g_loss(a), gan.nonsaturating_g_loss(a)):
        (slope,) = torch.autograd.grad(loss, a)
        assert loss.isfinite() and slope.isfinite().all()
    assert gan.nonsaturating_g_loss(torch.tensor([-1e4])).item() == pytest.approx(1e4)


def test_where_the_discriminator_knows_nothing():
    zero = torch.zeros(5)
    assert gan.minimax_d_loss(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert gan.nonsaturating_g_loss(zero).item() == pytest.approx(math.log(2))
    assert gan.minimax_g_loss(zero).item() == pytest.approx(-math.log(2))


# ------------------------------------------------------------------ other losses

pairs = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=9).map(
    lambda v: torch.tensor(v, dtype=torch.float64).T
)


def slopes(loss, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    return torch.autograd.grad(loss(*inputs), inputs)


@given(real=logits, fake=logits)
def test_the_hinge_losses_are_a_loop_over_the_logits(real, fake):
    wanted = sum(max(0.0, 1 - a) for a in real.tolist()) / len(real) + sum(
        max(0.0, 1 + a) for a in fake.tolist()
    ) / len(fake)
    assert gan.hinge_d_loss(real, fake).item() == pytest.approx(wanted, rel=1e-9)
    assert gan.hinge_g_loss(fake).item() == pytest.approx(-sum(fake.tolist()) / len(fake), rel=1e-9)


@given(real=logits, fake=logits)
def test_the_wasserstein_losses_are_a_loop_over_the_logits(real, fake):
    wanted = sum(fake.tolist()) / len(fake) - sum(real.tolist()) / len(real)
    assert gan.wasserstein_d_loss(real, fake).item() == pytest.approx(wanted, rel=1e-9)
    assert gan.wasserstein_g_loss(fake).item() == pytest.approx(
        -sum(fake.tolist()) / len(fake), rel=1e-9
    )


@given(pair=pairs)
def test_the_relativistic_losses_are_a_loop_over_the_pairs(pair):
    real, fake = pair
    differences = [a - b for a, b in zip(real.tolist(), fake.tolist(), strict=True)]
    assert gan.relativistic_d_loss(real, fake).item() == pytest.approx(
        sum(math.log1p(math.exp(-d)) for d in differences) / len(real), rel=1e-9
    )
    assert gan.relativistic_g_loss(real, fake).item() == pytest.approx(
        sum(math.log1p(math.exp(d)) for d in differences) / len(real), rel=1e-9
    )


@given(real=logits, fake=logits)
def test_the_hinge_pulls_with_the_same_force_up_to_the_margin_and_not_at_all_beyond(real, fake):
    of_real, of_fake = slopes(gan.hinge_d_loss, real, fake)
    off_the_kink = (real != 1, fake != -1)
    torch.testing.assert_close(
        of_real[off_the_kink[0]], (-(real < 1).double() / len(real))[off_the_kink[0]]
    )
    torch.testing.assert_close(
        of_fake[off_the_kink[1]], ((fake > -1).double() / len(fake))[off_the_kink[1]]
    )
    (of_fake,) = slopes(gan.hinge_g_loss, fake)
    torch.testing.assert_close(of_fake, torch.full_like(fake, -1 / len(fake)))


@given(real=logits, fake=logits)
def test_the_hinge_is_least_at_0_where_all_is_right_by_the_margin(real, fake):
    right, wrong = (1 + real.abs(), -1 - fake.abs()), (real - real.max() + 0.9, fake)
    assert gan.hinge_d_loss(*right) == 0 and gan.hinge_d_loss(*wrong) > 0
    assert gan.hinge_d_loss(real, fake) >= 0
    assert gan.hinge_d_loss(0 * real, 0 * fake) == 2


@given(real=logits, fake=logits)
def test_the_wasserstein_losses_pull_with_the_same_force_everywhere(real, fake):
    of_real, of_fake = slopes(gan.wasserstein_d_loss, real, fake)
    torch.testing.assert_close(of_real, torch.full_like(real, -1 / len(real)))
    torch.testing.assert_close(of_fake, torch.full_like(fake, 1 / len(fake)))
    torch.testing.assert_close(slopes(gan.wasserstein_g_loss, fake)[0], -of_fake)


@given(pair=pairs, shift=st.floats(-30, 30))
def test_the_relativistic_losses_know_differences_alone(pair, shift):
    real, fake = pair
    for loss in (gan.relativistic_d_loss, gan.relativistic_g_loss):
        torch.testing.assert_close(
            loss(real + shift, fake + shift), loss(real, fake), rtol=1e-7, atol=1e-12
        )
        of_real, of_fake = slopes(loss, real, fake)
        torch.testing.assert_close(of_real, -of_fake)
        assert loss(real, real).item() == pytest.approx(math.log(2))
    of_real, of_fake = slopes(gan.relativistic_d_loss, real, fake)
    torch.testing.assert_close(
        of_real, -torch.sigmoid(fake - real) / len(real), rtol=1e-7, atol=3e-9
    )
    of_real, of_fake = slopes(gan.relativistic_g_loss, real, fake)
    torch.testing.assert_close(
        of_fake, -torch.sigmoid(real - fake) / len(real), rtol=1e-7, atol=3e-9
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_no_other_loss_overflows_at_ten_thousand(dtype):
    a = torch.tensor([-1e4, 1e4], dtype=dtype)
    for loss in (
        gan.hinge_d_loss,
        gan.wasserstein_d_loss,
        gan.relativistic_d_loss,
        gan.relativistic_g_loss,
    ):
        for real, fake in ((a, a), (a, -a), (-a, a)):
            assert loss(real, fake).isfinite() and all(
                slope.isfinite().all() for slope in slopes(loss, real, fake)
            )
    for loss in (gan.hinge_g_loss, gan.wasserstein_g_loss):
        assert loss(a).isfinite() and slopes(loss, a)[0].isfinite().all()
    wrong, right = torch.tensor([-1e4], dtype=dtype), torch.tensor([1e4], dtype=dtype)
    assert gan.relativistic_d_loss(wrong, right).item() == pytest.approx(2e4, rel=0.01)
    assert gan.hinge_d_loss(wrong, right).item() == pytest.approx(2e4, rel=0.01)


@pytest.mark.parametrize("loss", ["relativistic_d_loss", "relativistic_g_loss"])
def test_logits_that_make_no_pairs_are_refused(loss):
    with pytest.raises(ValueError, match=r"as many real as fake logits; got \[3\] and \[4\]"):
        getattr(gan, loss)(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"got \[3, 1\] and \[3\]"):
        getattr(gan, loss)(torch.zeros(3, 1), torch.zeros(3))


# ------------------------------------------------------------------ what holds the critic's slope


def conv_critic(seed=0):
    """A smooth critic of images [N, 2, 4, 4] in float64."""
    torch.manual_seed(seed)
    body = [
        nn.Conv2d(2, 3, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(3, 3, 3, stride=2, padding=1),
        nn.Softplus(),
    ]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(12, 1)).double()


def slope_by_differences(critic, x, step=1e-5):
    """The gradient of each image's logit by that image, [N, pixels], pixel by pixel."""
    nudges = step * torch.eye(x[0].numel(), dtype=x.dtype).view(-1, *x.shape[1:])
    with torch.no_grad():
        columns = [
            (critic(x + nudge) - critic(x - nudge)).flatten() / (2 * step) for nudge in nudges
        ]
    return torch.stack(columns, dim=1)


def agrees_with_differences_by_the_weights(penalty, critic):
    names, weights = zip(*critic.named_parameters(), strict=True)

    def call(weights):
        return lambda x: torch.func.functional_call(
            critic, dict(zip(names, weights, strict=True)), x
        )

    return torch.autograd.gradcheck(lambda *weights: penalty(call(weights)), weights)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@given(n=st.integers(1, 5), shape=shapes, length=st.floats(0, 4), seed=seeds)
def test_the_gradient_penalty_of_a_linear_critic_is_the_same_at_any_points(n, shape, length, seed):
    w = noise(*shape, seed=seed)
    w = length * w / torch.linalg.vector_norm(w)

    def critic(x):
        return (x * w).flatten(1).sum(dim=1)

    real, fake = noise(n, *shape, seed=seed + 1), 3 * noise(n, *shape, seed=seed + 2)
    assert gan.gradient_penalty(critic, real, fake).item() == pytest.approx(
        (length - 1) ** 2, abs=1e-9
    )


@given(n=st.integers(1, 5), d=st.integers(1, 5), seed=seeds)
def test_the_gradient_penalty_of_a_quadratic_critic_agrees_with_a_gradient_by_hand(n, d, seed):
    A, b, alpha = (
        noise(d, d, seed=seed),
        noise(d, seed=seed + 1),
        torch.sigmoid(noise(n, seed=seed + 2)),
    )
    real, fake = noise(n, d, seed=seed + 3), noise(n, d, seed=seed + 4)
    wanted = 0.0
    for r, f, t in zip(real, fake, alpha, strict=True):
        slope = (A + A.T) @ (t * r + (1 - t) * f) + b
        wanted += (math.sqrt(sum(s * s for s in slope.tolist())) - 1) ** 2 / n

    def critic(x):
        return ((x @ A) * x).sum(dim=1, keepdim=True) + (x @ b)[:, None]

    assert gan.gradient_penalty(critic, real, fake, alpha).item() == pytest.approx(wanted, rel=1e-9)


def test_the_gradient_penalty_agrees_with_finite_differences():
    critic, real, fake = conv_critic(), noise(3, 2, 4, 4, seed=1), noise(3, 2, 4, 4, seed=2)
    alpha = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    between = torch.stack([fake[0], 0.3 * real[1] + 0.7 * fake[1], real[2]])
    wanted = (
        sum(
            (slope.square().sum().sqrt() - 1) ** 2
            for slope in slope_by_differences(critic, between)
        )
        / 3
    )
    torch.testing.assert_close(
        gan.gradient_penalty(critic, real, fake, alpha), wanted, rtol=1e-7, atol=0
    )
    assert agrees_with_differences_by_the_weights(
        lambda critic: gan.gradient_penalty(critic, real, fake, alpha), critic
    )


@given(n=st.integers(2, 6), seed=seeds)
def test_the_gradient_penalty_of_an_image_does_not_depend_on_the_others(n, seed):
    critic, real, fake = (
        conv_critic(),
        noise(n, 2, 4, 4, seed=seed),
        noise(n, 2, 4, 4, seed=seed + 1),
    )
    alpha, order = (
        torch.sigmoid(2 * noise(n, seed=seed + 2)),
        torch.randperm(n, generator=torch.Generator().manual_seed(seed)),
    )
    found = gan.gradient_penalty(critic, real, fake, alpha)
    torch.testing.assert_close(
        gan.gradient_penalty(critic, real[order], fake[order], alpha[order]), found
    )
    alone = [
        gan.gradient_penalty(critic, real[i : i + 1], fake[i : i + 1], alpha[i : i + 1])
        for i in range(n)
    ]
    torch.testing.assert_close(torch.stack(alone).mean(), found)


def test_alpha_is_uniform_and_one_for_each_image_if_not_given():
    torch.manual_seed(0)
    seen = []

    def critic(x):
        return (seen.append(x.detach()), x.square().flatten(1).sum(dim=1))[1]

    n = 4_000
    gan.gradient_penalty(critic, torch.ones(n, 3, 2, 2), torch.zeros(n, 3, 2, 2))
    (x,) = seen
    assert (x == x[:, :1, :1, :1]).all()
    alpha = x[:, 0, 0, 0].double()
    assert alpha.min() >= 0 and alpha.max() <= 1
    assert scipy.stats.kstest(alpha, "uniform").pvalue > 0.01
    assert abs(scipy.stats.pearsonr(alpha[1:], alpha[:-1]).statistic) < 0.05


def test_the_gradient_penalty_is_finite_where_real_and_fake_are_the_same():
    critic, real = conv_critic(), noise(3, 2, 4, 4)
    penalty = gan.gradient_penalty(critic, real, real)
    penalty.backward()
    torch.testing.assert_close(
        penalty.detach(),
        (slope_by_differences(critic, real).norm(dim=1) - 1).square().mean(),
        rtol=1e-7,
        atol=0,
    )
    assert all(layer.weight.grad.isfinite().all() for layer in critic if hasattr(layer, "weight"))


def test_the_gradient_penalty_is_1_with_finite_gradients_where_the_critic_is_flat():
    dead = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1))
    nn.init.constant_(dead[1].bias, -1e3)
    empty = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    nn.init.zeros_(empty[1].weight)
    for critic in (dead, empty):
        penalty = gan.gradient_penalty(critic, torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2))
        penalty.backward()
        assert penalty == 1
        assert all(
            weight.grad.isfinite().all()
            for weight in critic.parameters()
            if weight.grad is not None
        )


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 2, 4, 4), (3, 1), (2,), ()])
def test_an_alpha_that_is_not_one_number_an_image_is_refused(shape):
    with pytest.raises(
        ValueError,
        match=re.escape(f"one number for each of the 3 images, [3]; got {list(shape)}"),
    ):
        gan.gradient_penalty(conv_critic(), noise(3, 2, 4, 4), noise(3, 2, 4, 4), torch.rand(shape))


def test_reals_and_fakes_of_unlike_shapes_have_no_gradient_penalty():
    with pytest.raises(ValueError, match=r"got \[3, 2, 4, 4\] and \[1, 2, 4, 4\]"):
        gan.gradient_penalty(conv_critic(), noise(3, 2, 4, 4), noise(1, 2, 4, 4))


def test_the_penalties_teach_the_critic_and_no_one_else():
    real, fake = (
        noise(3, 2, 4, 4, seed=1).requires_grad_(),
        noise(3, 2, 4, 4, seed=2).requires_grad_(),
    )
    for penalty in (
        lambda critic: gan.gradient_penalty(critic, real, 2 * fake),
        lambda critic: gan.r1_penalty(critic, real),
    ):
        critic = conv_critic()
        penalty(critic).backward()
        assert all(
            layer.weight.grad.abs().max() > 0 for layer in critic if hasattr(layer, "weight")
        )
        assert real.grad is None and fake.grad is None


@given(n=st.integers(1, 4), seed=seeds)
def test_r1_agrees_with_finite_differences(n, seed):
    critic, real = conv_critic(seed), noise(n, 2, 4, 4, seed=seed)
    wanted = sum(s * s for s in slope_by_differences(critic, real).flatten().tolist()) / n
    assert gan.r1_penalty(critic, real).item() == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradients_of_r1_by_the_weights_agree_with_finite_differences(seed):
    real = noise(2, 2, 4, 4, seed=seed)
    assert agrees_with_differences_by_the_weights(
        lambda critic: gan.r1_penalty(critic, real), conv_critic(seed)
    )


def test_the_penalties_leave_images_made_without_gradients_as_they_are():
    critic, real = conv_critic(), noise(3, 2, 4, 4)
    with torch.no_grad():
        fake = 2 * real
        inside = (
            gan.r1_penalty(critic, real),
            gan.gradient_penalty(critic, real, fake, torch.ones(3).double()),
        )
    outside = (
        gan.r1_penalty(critic, real),
        gan.gradient_penalty(critic, real, fake, torch.ones(3).double()),
    )
    torch.testing.assert_close(inside, tuple(penalty.detach() for penalty in outside))
    assert not any(penalty.requires_grad for penalty in inside) and all(
        penalty.requires_grad for penalty in outside
    )
    assert (
        not real.requires_grad
        and not fake.requires_grad
        and real.grad is None
        and fake.grad is None
    )


# ------------------------------------------------------------------ augmentation

changes = [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")]
sides = st.integers(4, 33)


def changed(x, *policy, seed=0):
    torch.manual_seed(seed)
    return gan.DiffAugment(*policy)(x)


def test_unknown_changes_are_refused():
    with pytest.raises(
        ValueError, match="unknown change 'colour'; known: color, translation, cutout"
    ):
        gan.DiffAugment("cutout", "colour")


def test_all_three_changes_are_made_if_none_is_named():
    x = noise(5, 3, 16, 16)
    assert torch.equal(changed(x), changed(x, "color", "translation", "cutout"))
    alone = [changed(x, name) for name in ("color", "translation", "cutout")]
    assert not any(torch.equal(changed(x), y) for y in alone)


@pytest.mark.parametrize("policy", changes)
@pytest.mark.parametrize("channels", [1, 3])
def test_changed_images_keep_shape_and_type_and_the_original_is_left_alone(policy, channels):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x = noise(4, channels, 12, 12).to(dtype)
        before, y = x.clone(), changed(x, *policy)
        assert y.shape == x.shape and y.dtype == dtype and not torch.equal(y, x)
        assert torch.equal(x, before)


@pytest.mark.parametrize("policy", changes)
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_flow_through_every_change(policy, channels):
    x = noise(3, channels, 6, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: changed(x, *policy), (x,))
    (slope,) = torch.autograd.grad(changed(x, *policy).square().sum(), x)
    assert (slope.flatten(1).abs().amax(dim=1) > 0).all()


@given(side=sides, channels=st.sampled_from([1, 3]), seed=seeds)
def test_translation_moves_all_channels_by_an_eighth_of_the_side_at_most_and_fills_with_zeros(
    side, channels, seed
):
    x, most = noise(4, channels, side, side, seed=seed), max(1, side // 8)
    for before, after in zip(x, changed(x, "translation", seed=seed), strict=True):
        found = []
        for down in range(-most, most + 1):
            for right in range(-most, most + 1):
                wanted = torch.zeros_like(before)
                wanted[:, max(down, 0) : side + down, max(right, 0) : side + right] = before[
                    :, max(-down, 0) : side - down, max(-right, 0) : side - right
                ]
                found += [(down, right)] if torch.equal(wanted, after) else []
        assert len(found) == 1


@pytest.mark.parametrize(("side", "most"), [(4, 1), (8, 1), (16, 2), (28, 3), (32, 4)])
def test_translation_makes_every_move_up_to_the_largest_alike(side, most):
    n = 200 * (2 * most + 1) ** 2
    x = torch.zeros(1, 1, side, side)
    x[0, 0, side // 2, side // 2] = 1
    where = changed(x.expand(n, -1, -1, -1), "translation").flatten(1).argmax(dim=1)
    moves = (2 * most + 1) * (where // side - side // 2 + most) + where % side - side // 2 + most
    counts = torch.bincount(moves, minlength=(2 * most + 1) ** 2)
    assert len(counts) == (2 * most + 1) ** 2
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@given(side=sides, channels=st.sampled_from([1, 3]), seed=seeds)
def test_cutout_empties_one_square_of_half_the_side_and_leaves_the_rest(side, channels, seed):
    x, longest = 1 + noise(20, channels, side, side, seed=seed).abs(), 2 * (side // 4) + 1
    y = changed(x, "cutout", seed=seed)
    assert torch.equal(y, torch.where(y == 0, 0.0, x))
    for gone in (y == 0).all(dim=1):
        rows, columns = (gone.any(dim=i).nonzero().flatten().tolist() for i in (1, 0))
        for lines in (rows, columns):
            assert (
                lines == list(range(lines[0], lines[-1] + 1)) and side // 4 <= len(lines) <= longest
            )
            # smaller at the border alone
            assert len(lines) == longest or lines[0] == 0 or lines[-1] == side - 1
        assert gone.sum() == len(rows) * len(columns)
    assert torch.equal((y == 0).all(dim=1), (y == 0).any(dim=1))


def test_cutout_reaches_every_pixel():
    gone = changed(torch.ones(3_000, 1, 16, 16), "cutout").mean(dim=(0, 1)) < 1
    assert gone.all()


@given(channels=st.sampled_from([1, 3]), seed=seeds)
def test_color_shifts_the_mean_and_stretches_what_differs_from_it(channels, seed):
    x = noise(8, channels, 5, 5, seed=seed)
    y = changed(x, "color", seed=seed)
    for before, after in zip(x, y, strict=True):
        assert abs(after.mean() - before.mean()) <= 0.5
        grey, grey_after = before.mean(dim=0), after.mean(dim=0)
        light, light_after = grey - grey.mean(), grey_after - grey_after.mean()
        contrast = (light * light_after).sum() / light.square().sum()
        assert 0.5 - 1e-9 <= contrast <= 1.5 + 1e-9
        torch.testing.assert_close(light_after, contrast * light)
        if channels > 1:
            tint, tint_after = before - grey, after - grey_after
            stretch = (tint * tint_after).sum() / tint.square().sum()
            assert -1e-9 <= stretch <= 2 * contrast + 1e-9
            torch.testing.assert_close(tint_after, stretch * tint)


def test_brightness_contrast_and_saturation_are_uniform_and_know_nothing_of_each_other():
    n = 4_000
    x = noise(1, 3, 3, 3)
    y = changed(x.expand(n, -1, -1, -1), "color")
    brightness = y.mean(dim=(1, 2, 3)) - x.mean()
    light, light_after = (
        x.mean(dim=1) - x.mean(),
        y.mean(dim=1) - y.mean(dim=(1, 2, 3))[:, None, None],
    )
    contrast = light_after[:, 0, 0] / light[0, 0, 0]
    saturation = (
        (y - y.mean(dim=1, keepdim=True))[:, 0, 0, 0]
        / (x - x.mean(dim=1, keepdim=True))[0, 0, 0, 0]
        / contrast
    )
    drawn = torch.stack([brightness + 0.5, contrast - 0.5, saturation / 2])
    assert all(scipy.stats.kstest(u, "uniform").pvalue > 0.01 for u in drawn)
    assert (torch.corrcoef(drawn) - torch.eye(3)).abs().max() < 0.06


@pytest.mark.parametrize("policy", changes)
def test_each_image_gets_a_change_of_its_own(policy):
    y = changed(noise(1, 3, 16, 16).expand(64, -1, -1, -1), *policy)
    assert len({tuple(image.flatten().tolist()) for image in y}) >= 15


@pytest.mark.parametrize("policy", changes)
def test_the_same_seed_makes_the_same_changes(policy):
    x = noise(8, 3, 16, 16)
    assert torch.equal(changed(x, *policy, seed=1), changed(x, *policy, seed=1))
    assert not torch.equal(changed(x, *policy, seed=1), changed(x, *policy, seed=2))


# ------------------------------------------------------------------ networks


def condition(n, length, seed=0):
    return noise(n, length, seed=seed).float() if length else None


def networks(size=16, channels=3, conditions=0, **kwargs):
    torch.manual_seed(0)
    return gan.Generator(
        size, channels, latent=6, width=4, conditions=conditions
    ), gan.Discriminator(size, channels, 4, conditions, **kwargs)


@pytest.mark.parametrize("size", [16, 28, 32, 48, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("conditions", [0, 5])
def test_images_and_logits_have_the_shapes_asked_for(size, channels, conditions):
    generator, discriminator = networks(size, channels, conditions)
    c = condition(3, conditions)
    fake = generator(noise(3, 6).float(), c)
    assert fake.shape == (3, channels, size, size) and fake.isfinite().all()
    logits = discriminator(fake, c)
    assert logits.shape == (3,) and logits.isfinite().all()
    read = discriminator(fake, c, classify=True)[1].sum() if conditions else 0.0
    (logits.sum() + read + fake.square().sum()).backward()
    assert all(
        weight.grad is not None and weight.grad.abs().max() > 0
        for weight in (*generator.parameters(), *discriminator.parameters())
    )


@pytest.mark.parametrize("conditions", [0, 5])
def test_images_stay_in_range_however_large_the_weights(conditions):
    generator, _ = networks(conditions=conditions)
    with torch.no_grad():
        generator.ups[-1].weight.mul_(100)
        fake = generator(50 * noise(8, 6).float(), condition(8, conditions))
    assert fake.min() < -0.99 and fake.max() > 0.99
    assert fake.abs().max() <= 1


@pytest.mark.parametrize("size", [8, 15, 33, 36, 256])
def test_sides_that_no_doubling_reaches_are_refused(size):
    for network in (gan.Generator, gan.Discriminator):
        with pytest.raises(ValueError, match=f"a side of {size} pixels; from 16 to 128"):
            network(size)


@pytest.mark.parametrize("shape", [None, (4, 5), (3, 4), (5,), (3, 5, 1), (1, 5)])
def test_conditions_that_are_missing_or_of_the_wrong_shape_are_refused(shape):
    generator, discriminator = networks(conditions=5)
    wrong = None if shape is None else torch.zeros(shape)
    message = re.escape(f"wants a condition c [3, 5]; got {None if shape is None else list(shape)}")
    for network, x in ((generator, torch.zeros(3, 6)), (discriminator, torch.zeros(3, 3, 16, 16))):
        with pytest.raises(ValueError, match=message):
            network(x, wrong)


def test_a_condition_that_nobody_would_look_at_is_refused():
    for network, x in zip(networks(), (torch.zeros(3, 6), torch.zeros(3, 3, 16, 16)), strict=True):
        with pytest.raises(ValueError, match=re.escape("made without conditions; got [3, 5]")):
            network(x, torch.zeros(3, 5))


@pytest.mark.parametrize("size", [16, 28, 64])
@pytest.mark.parametrize("conditions", [0, 5])
def test_every_block_of_the_last_doubling_begins_as_one_colour(size, conditions):
    generator, _ = networks(size, conditions=conditions)
    fake = generator(noise(3, 6).float(), condition(3, conditions)).detach()
    blocks = F.pixel_unshuffle(fake, 2).unflatten(1, (3, 4))
    torch.testing.assert_close(blocks, blocks[:, :, :1].expand_as(blocks))
    assert (fake[:, :, 2:] - fake[:, :, :-2]).abs().max() > 1e-3


def test_every_doubling_begins_by_leaving_flat_areas_flat():
    generator, _ = networks(64)
    assert len(generator.ups) == 4
    for up in generator.ups:
        flat = noise(2, up.in_channels, 1, 1).float().expand(-1, -1, 5, 5)
        inside = F.pixel_shuffle(up(flat), 2)[:, :, 2:-2, 2:-2].detach()
        torch.testing.assert_close(inside, inside[:, :, :1, :1].expand_as(inside))
        assert inside.std(dim=(0, 1)).min() > 1e-3


def test_the_condition_reaches_the_image_beside_z_and_through_every_norm():
    z, c1, c2 = noise(4, 6).float(), condition(4, 5, seed=1), condition(4, 5, seed=2)
    generator, _ = networks(32, conditions=5)
    ways = [generator.first.weight[:, 6:], *(norm.scale_shift.weight for norm in generator.norms)]
    kept = [way.detach().clone() for way in ways]
    with torch.no_grad():
        for way in ways:
            way.zero_()
        assert torch.equal(generator(z, c1), generator(z, c2))
        for way, weight in zip(ways, kept, strict=True):
            way.copy_(weight)
            assert (generator(z, c1) - generator(z, c2)).abs().max() > 1e-4
            way.zero_()


@given(n=st.integers(2, 5), conditions=st.integers(1, 4), seed=seeds)
def test_a_conditional_norm_is_batch_norm_scaled_and_shifted_image_by_image(n, conditions, seed):
    torch.manual_seed(seed)
    norm, x, c = (
        gan.Norm(3, conditions).double(),
        2 + 3 * noise(n, 3, 4, 4, seed=seed),
        noise(n, conditions, seed=seed + 1),
    )
    normal = (x - x.mean(dim=(0, 2, 3), keepdim=True)) / (
        x.var(dim=(0, 2, 3), correction=0, keepdim=True) + 1e-5
    ).sqrt()
    wanted = torch.empty_like(x)
    for i in range(n):
        scale_shift = norm.scale_shift.weight @ c[i] + norm.scale_shift.bias
        for channel in range(3):
            wanted[i, channel] = (
                normal[i, channel] * (1 + scale_shift[channel]) + scale_shift[3 + channel]
            ).detach()
    torch.testing.assert_close(norm(x, c).detach(), wanted)


def test_the_condition_changes_the_logit_of_the_same_image():
    _, discriminator = networks(conditions=5)
    x = noise(4, 3, 16, 16).float()
    discriminator.eval()
    differences = discriminator(x, condition(4, 5, seed=1)) - discriminator(
        x, condition(4, 5, seed=2)
    )
    assert differences.abs().min() > 1e-5


@pytest.mark.parametrize("conditions", [0, 5])
def test_a_finished_generator_makes_each_sample_alone(conditions):
    generator, _ = networks(conditions=conditions)
    for seed in range(3):
        generator(3 * noise(8, 6, seed=seed).float() + 1, condition(8, conditions, seed))
    generator.eval()
    z, c = noise(5, 6, seed=9).float(), condition(5, conditions, 9)
    alone = torch.cat(
        [generator(z[i : i + 1], None if c is None else c[i : i + 1]) for i in range(5)]
    )
    torch.testing.assert_close(generator(z, c), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("conditions", [0, 5])
def test_a_logit_never_depends_on_the_other_images(training, spectral, conditions):
    _, discriminator = networks(conditions=conditions, spectral=spectral)
    discriminator.train(training)
    x, c = noise(4, 3, 16, 16).float(), condition(4, conditions)
    together = copy.deepcopy(discriminator)(x, c)
    for i in range(4):
        alone = copy.deepcopy(discriminator)(x[i : i + 1], None if c is None else c[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-5)


@given(t=st.floats(-3, 3), seed=seeds)
def test_the_logit_is_affine_in_the_condition_with_a_slope_that_the_image_sets(t, seed):
    _, discriminator = networks(conditions=5)
    discriminator.double().eval()
    x, c1, c2 = (
        noise(3, 3, 16, 16, seed=seed),
        noise(3, 5, seed=seed + 1),
        noise(3, 5, seed=seed + 2),
    )
    with torch.no_grad():
        wanted = t * discriminator(x, c1) + (1 - t) * discriminator(x, c2)
        torch.testing.assert_close(discriminator(x, t * c1 + (1 - t) * c2), wanted)
        h = discriminator.body(x)
        for i in range(3):
            wanted = (
                discriminator.last.weight[0] @ h[i]
                + discriminator.last.bias[0]
                + (discriminator.embed.weight @ c1[i]) @ h[i]
            )
            torch.testing.assert_close(discriminator(x, c1)[i], wanted)


# ------------------------------------------------------------------ spectral norm


def layers(network):
    return [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


@pytest.mark.parametrize(("size", "conditions", "count"), [(16, 0, 4), (28, 10, 5), (32, 3, 6)])
def test_every_layer_of_the_discriminator_stretches_by_1_at_most(size, conditions, count):
    _, discriminator = networks(size, conditions=conditions)
    # what is read is no part of the logit
    held = [layer for layer in layers(discriminator) if layer is not discriminator.classifier]
    assert len(held) == count
    with torch.no_grad():
        for layer in held:
            layer.parametrizations.weight.original.mul_(5).add_(
                0.1 * torch.randn_like(layer.parametrizations.weight.original)
            )
        for seed in range(120):
            discriminator(
                noise(2, 3, size, size, seed=seed).float(), condition(2, conditions, seed)
            )
        discriminator.eval()
        for layer in held:
            assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(
                1, rel=0.02
            )


def test_a_discriminator_without_spectral_norm_has_free_layers():
    _, discriminator = networks(conditions=5, spectral=False)
    assert not any(parametrize.is_parametrized(module) for module in discriminator.modules())
    before = {name: weight.clone() for name, weight in discriminator.state_dict().items()}
    x, c = noise(3, 3, 16, 16).float(), condition(3, 5)
    zero = 0 * x
    with torch.no_grad():
        a = discriminator(x, c) - discriminator(zero, 0 * c)
        assert all(
            torch.equal(weight, before[name]) for name, weight in discriminator.state_dict().items()
        )
        discriminator.last.weight.mul_(1000)
        discriminator.embed.weight.mul_(1000)
        torch.testing.assert_close(
            discriminator(x, c) - discriminator(zero, 0 * c), 1000 * a, rtol=1e-3, atol=1e-3
        )


def test_the_auxiliary_classifier_loss_is_a_sum_of_coin_tosses_for_each_order():
    logits, c = (
        torch.randn(3, 5, dtype=torch.float64),
        torch.tensor([[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0]], dtype=torch.float64),
    )
    by_hand = 0.0
    for n in range(3):
        for k in range(5):
            p = 1 / (1 + math.exp(-logits[n, k].item()))
            by_hand -= math.log(p) if c[n, k] else math.log(1 - p)
    assert gan.auxiliary_classifier_loss(logits, c).item() == pytest.approx(by_hand / 6)
    with pytest.raises(ValueError, match=r"got \[3, 5\] and \[3, 4\]"):
        gan.auxiliary_classifier_loss(logits, c[:, :4])


def test_a_detective_reads_only_where_there_is_something_to_read():
    plain, told, x = (
        gan.Discriminator(16, 3, 4),
        gan.Discriminator(16, 3, 4, conditions=3),
        torch.randn(2, 3, 16, 16),
    )
    assert plain(x).shape == (2,) and plain.classifier is None
    told.eval()
    a, read = told(x, torch.eye(3)[:2], classify=True)
    assert read.shape == (2, 3) and torch.equal(a, told(x, torch.eye(3)[:2]))
    # what is read does not depend on what was ordered
    assert torch.equal(told(x, torch.eye(3)[1:], classify=True)[1], read)
