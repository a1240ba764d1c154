"""Penalties on the slope, against loops and finite differences in float64."""

import math
import re

import pytest
import scipy.stats
import torch
import torch.nn as nn
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import gan

seeds = st.integers(0, 10**6)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


# ------------------------------------------------------------------ orthogonal regularisation


@given(rows=st.integers(1, 5), seed=seeds)
def test_the_orthogonal_penalty_sums_the_products_of_different_rows(rows, seed):
    net = nn.Sequential(nn.Linear(3, rows), nn.Conv2d(2, rows, 3)).double()
    with torch.no_grad():
        for k, layer in enumerate(net):
            layer.weight.copy_(noise(*layer.weight.shape, seed=seed + k))
    expected = 0.0
    for layer in net:
        W = layer.weight.flatten(1)
        pairs = [(i, j) for i in range(rows) for j in range(rows) if i != j]
        expected += sum((W[i] @ W[j]).item() ** 2 for i, j in pairs)
    assert gan.orthogonal_penalty(net).item() == pytest.approx(expected, abs=1e-9)


def test_orthogonal_filters_of_any_length_are_free():
    layer = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(4)[:3] * torch.tensor([[1.0], [5.0], [0.2]]))
    assert gan.orthogonal_penalty(layer) == 0
