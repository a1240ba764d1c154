"""The game's losses, against formulas in float64 and at the extremes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import gan

seeds = st.integers(0, 10**6)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


@pytest.mark.parametrize("c", [torch.full((2, 3), 9.0), torch.zeros(2, 3), -torch.eye(3)[:2]])
def test_conditions_without_classes_are_refused(c):
    with pytest.raises(ValueError, match="zeros and ones"):
        gan.auxiliary_classifier_loss(torch.zeros(2, 3), c)
