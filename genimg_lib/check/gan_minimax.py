"""Checks of notebook 14, the GAN minimax."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import (
    CUT_OFF,
    HALF_OF_BOTH,
    IN_BITS,
    ONLY_FAKES,
    ONLY_REAL,
    REAL_FAKE_EXCHANGED,
    SIGMOID_TWICE,
    SUMMED_EACH_PART,
    SUMMED_OVER_BATCH,
    THIS_IS_V,
    UNSAFE_SIGMOID,
)

losses_at_zero = Check(
    "losses_at_zero",
    lambda: (2 * math.log(2), math.log(2)),
    [()],
    {
        "this is the value V = -log 4; the discriminator's loss is -V, a positive "
        "number.": lambda: ((-2 * math.log(2), math.log(2))),
        "half of the discriminator's loss, one of its two terms or their mean; it is the "
        "sum.": lambda: (
            math.log(2),
            math.log(2),
        ),
        "the minimax loss of the generator. The non-saturating one is -log D.": lambda: (
            (2 * math.log(2), -math.log(2))
        ),
        "this is V and the minimax loss; wanted are the discriminator's loss -V and -log "
        "D.": lambda: ((-2 * math.log(2), -math.log(2))),
        IN_BITS: lambda: (2.0, 1.0),
        "D is sigmoid(0) = 1/2, not 0.": lambda: (0.0, 0.0),
        "these are the values of D. The losses are their logarithms, with the sign turned.": (
            lambda: (0.5, 0.5),
            lambda: (1.0, 0.5),
            lambda: (0.25, 0.5),
        ),
        "the two losses are exchanged: the discriminator's has two terms, and stands "
        "first.": lambda: ((math.log(2), 2 * math.log(2))),
        "the generator's loss has one term, -log D of its fakes.": lambda: (
            2 * math.log(2),
            2 * math.log(2),
        ),
    },
    tolerance=2e-3,
)


def _densities(seed, *shape):
    return inputs.normal(seed, *shape).exp(), inputs.normal(seed + 1, *shape).exp()


optimal_discriminator = Check(
    "optimal_discriminator",
    lambda p_data, p_g: p_data / (p_data + p_g),
    [
        (torch.tensor([3.0]), torch.tensor([1.0])),
        (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])),
        _densities(101, 9),
        _densities(103, 2, 3),
    ],
    {
        "the wrong way round: this is 1 where only fakes are. D is the probability of "
        "*real*.": lambda p, q: q / (p + q),
        "a ratio of densities is the odds, not the probability.": lambda p, q: p / q,
        "this is the logit a*. D is its sigmoid.": (
            lambda p, q: (p / q).log(),
            lambda p, q: p.log() - q.log(),
        ),
        "two sure answers. The best discriminator says how sure it can be.": lambda p, q: (
            p > q
        ).to(p.dtype),
        "divided by the sum over all places; each place has its own D.": (
            lambda p, q: p / (p.sum() + q.sum()),
            lambda p, q: p / (p + q).sum(),
        ),
        "the sigmoid of the difference of the densities; it is that of the difference of their "
        "logarithms.": lambda p, q: torch.sigmoid(p - q),
        "the sigmoid of the ratio; a* is the logarithm of the ratio.": lambda p, q: torch.sigmoid(
            p / q
        ),
        "the mixture's half belongs to both, and cancels: p / (p + q), not p over half of "
        "it.": lambda p, q: 2 * p / (p + q),
    },
)


def _d_loss(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def _by_sigmoid(real, fake):
    return -(torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean())


EPSILONS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)


def _with_epsilon(real, fake, eps):
    return _log_with_epsilon(real, eps) - (1 - torch.sigmoid(fake) + eps).log().mean()


LIMITS = (10, 15, 20, 30, 50, 80, 88, 100)


def _clamped(real, fake, limit):
    return _d_loss(real.clamp(-limit, limit), fake.clamp(-limit, limit))


def _log_with_epsilon(logits, eps):
    return -(torch.sigmoid(logits) + eps).log().mean()


def _cross_entropy(real, fake):
    on_real = F.binary_cross_entropy(torch.sigmoid(real), torch.ones_like(real))
    return on_real + F.binary_cross_entropy(torch.sigmoid(fake), torch.zeros_like(fake))


def _logits(seed, n, m):
    return 2 * inputs.normal(seed, n) + 0.5, 2 * inputs.normal(seed + 50, m) - 0.3


def _with_gradient(*wanted):
    """`also` of a loss: its gradient by logits of 1e4 and -1e4, wanted for each argument."""

    def look(answer):
        logits = [torch.tensor([1e4, -1e4], requires_grad=True) for _ in wanted]
        found = torch.autograd.grad(answer(*logits), logits)
        if all(torch.allclose(g, torch.tensor(w)) for g, w in zip(found, wanted, strict=True)):
            return None
        shown = " and ".join(str(g.tolist()) for g in found)
        expected = " and ".join(str(w) for w in wanted)
        return (
            f"the values are right, but the gradient by logits of 1e4 and -1e4 is {shown}; "
            f"expected {expected}. torch.where also differentiates what it does not take, and "
            "0 times infinity is no number"
        )

    return look


d_loss = Check(
    "d_loss",
    _d_loss,
    [
        (torch.tensor([2.0]), torch.tensor([-1.0])),
        (inputs.normal(111, 8), inputs.normal(112, 8)),
        (3 * inputs.normal(113, 5, 1), 3 * inputs.normal(114, 7, 1)),
        (torch.tensor([1e4, -1e4]), torch.tensor([1e4, -50.0])),
        (inputs.normal(115, 3, 2), inputs.normal(116, 2, 4)),
        *drawn(_logits, count=6, seed=(0, 9), n=(1, 4), m=(1, 4)),
    ],
    {
        UNSAFE_SIGMOID: (
            _by_sigmoid,
            lambda r, f: -(torch.sigmoid(r).log().mean() + torch.sigmoid(-f).log().mean()),
            lambda r, f: (1 + (-r).exp()).log().mean() + (1 + f.exp()).log().mean(),
        ),
        REAL_FAKE_EXCHANGED: lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean(),
        ONLY_FAKES: lambda r, f: F.softplus(f).mean(),
        ONLY_REAL: lambda r, f: F.softplus(-r).mean(),
        THIS_IS_V: lambda r, f: -_d_loss(r, f),
        SIGMOID_TWICE: lambda r, f: (
            F.softplus(-torch.sigmoid(r)).mean() + F.softplus(torch.sigmoid(f)).mean()
        ),
        SUMMED_EACH_PART: lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(),
        HALF_OF_BOTH: lambda r, f: _d_loss(r, f) / 2,
        "the mean over both kinds together; take one mean for the real images and one for the "
        "fakes, and add them.": lambda r, f: torch.cat(
            [F.softplus(-r).flatten(), F.softplus(f).flatten()]
        ).mean(),
        "both kinds want the same label here. Fakes want log(1 - D) = -softplus(a).": lambda r, f: (
            F.softplus(-r).mean() + F.softplus(-f).mean()
        ),
        "the logarithms are those of D itself: logits went in as if they were "
        "probabilities.": lambda r, f: -(r.log().mean() + (1 - f).log().mean()),
        "the squared error to the labels, another game (least squares GAN).": (
            lambda r, f: (1 - torch.sigmoid(r)).square().mean() + torch.sigmoid(f).square().mean(),
            lambda r, f: (r - 1).square().mean() + f.square().mean(),
        ),
        "the hinge loss, another game: it stops at logits of 1 and -1.": lambda r, f: (
            F.relu(1 - r).mean() + F.relu(1 + f).mean()
        ),
        "the difference of the mean logits, another game (Wasserstein GAN).": lambda r, f: (
            f.mean() - r.mean()
        ),
        CUT_OFF: (
            *(partial(_with_epsilon, eps=eps) for eps in EPSILONS),
            *(partial(_clamped, limit=limit) for limit in LIMITS),
            _cross_entropy,
        ),
        "the mean over the first axis alone, and a sum over the others: each logit counts the "
        "same.": (
            lambda r, f: F.softplus(-r).mean(0).sum() + F.softplus(f).mean(0).sum(),
            lambda r, f: F.softplus(-r).sum() / len(r) + F.softplus(f).sum() / len(f),
        ),
    },
    gradient=("real_logits", "fake_logits"),
    also=_with_gradient([0.0, -0.5], [0.5, 0.0]),
    forms=(
        lambda real_logits, fake_logits: (
            -F.logsigmoid(real_logits).mean() - F.logsigmoid(-fake_logits).mean()
        ),
    ),
)


def _g_loss(fake_logits):
    return F.softplus(-fake_logits).mean()


def _g_clamped(fake, limit):
    return _g_loss(fake.clamp(-limit, limit))


g_loss = Check(
    "g_loss",
    _g_loss,
    [
        (torch.tensor([2.0]),),
        (inputs.normal(121, 8),),
        (5 * inputs.normal(122, 6, 1),),
        (torch.tensor([1e4, -1e4, -200.0]),),
        (inputs.normal(123, 3, 2),),
        *drawn(lambda seed, n: (2 * inputs.normal(seed, n) - 0.3,), count=6, seed=(0, 9), n=(1, 4)),
    ],
    {
        UNSAFE_SIGMOID: (
            lambda f: -torch.sigmoid(f).log().mean(),
            lambda f: (1 + (-f).exp()).log().mean(),
        ),
        "this is the minimax loss log(1 - D), which saturates. The non-saturating one is -log D.": (
            lambda f: -F.softplus(f).mean(),
            lambda f: (1 - torch.sigmoid(f)).log().mean(),
        ),
        "the label is 'fake': the generator would learn to look less real. It wants D to say "
        "real.": (
            lambda f: F.softplus(f).mean(),
            lambda f: -(1 - torch.sigmoid(f)).log().mean(),
        ),
        "the sign is turned: this drives the samples away from what looks real.": (
            lambda f: -F.softplus(-f).mean(),
            lambda f: torch.sigmoid(f).log().mean(),
        ),
        "the logarithm is missing: this is the mean of 1 - D, or of -D.": (
            lambda f: (1 - torch.sigmoid(f)).mean(),
            lambda f: -torch.sigmoid(f).mean(),
        ),
        SIGMOID_TWICE: lambda f: F.softplus(-torch.sigmoid(f)).mean(),
        SUMMED_OVER_BATCH: lambda f: F.softplus(-f).sum(),
        "this is the squared error to the label, another game (least squares GAN).": lambda f: (
            (1 - torch.sigmoid(f)).square().mean()
        ),
        "this is minus the mean logit, the generator's loss of Wasserstein and hinge. Here it is "
        "softplus(-a).": lambda f: -f.mean(),
        CUT_OFF: (
            *(partial(_log_with_epsilon, eps=eps) for eps in EPSILONS),
            *(partial(_g_clamped, limit=limit) for limit in LIMITS),
            lambda f: F.binary_cross_entropy(torch.sigmoid(f), torch.ones_like(f)),
        ),
        "the mean over the first axis alone, and a sum over the others: each logit counts the "
        "same.": (
            lambda f: F.softplus(-f).mean(0).sum(),
            lambda f: F.softplus(-f).sum() / len(f),
        ),
        "the logarithm of the mean of D; the mean of the logarithms is meant.": lambda f: (
            -torch.sigmoid(f).mean().log()
        ),
        "the mean before softplus: one sure image would excuse the others. Take softplus of each, "
        "then the mean.": lambda f: F.softplus(-f.mean()),
    },
    gradient=("fake_logits",),
    also=_with_gradient([0.0, -0.5]),
    forms=(lambda fake_logits: -F.logsigmoid(fake_logits).mean(),),
)

# ---------------------------------------------------------------- extragradient


def _gradients(V, u, v):
    u, v = (torch.as_tensor(t, dtype=torch.float64).requires_grad_() for t in (u, v))
    return tuple(g.item() for g in torch.autograd.grad(V(u, v), (u, v)))


def _extragradient(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v + h * dv)
    return u - h * du, v + h * dv


def _in_two_steps(V, u, v, h):
    du, dv = _gradients(V, u, v)
    u_trial, v_trial = u - h * du, v + h * dv
    du, dv = _gradients(V, u_trial, v_trial)
    return u - h * du, v + h * dv


def _one_after_the_other(V, u, v, h):
    du, dv = _gradients(V, u, v)
    u_trial, v_trial = u - h * du, v + h * dv
    u_new = u - h * _gradients(V, u_trial, v_trial)[0]
    return u_new, v + h * _gradients(V, u_new, v_trial)[1]


def _trial_after_the_other(V, u, v, h):
    u_trial = u - h * _gradients(V, u, v)[0]
    v_trial = v + h * _gradients(V, u_trial, v)[1]
    du, dv = _gradients(V, u_trial, v_trial)
    return u - h * du, v + h * dv


def _trial_the_wrong_way(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u + h * du, v - h * dv)
    return u - h * du, v + h * dv


def _only_one_looks_ahead(V, u, v, h):
    du, dv = _gradients(V, u, v)
    return u - h * _gradients(V, u - h * du, v + h * dv)[0], v + h * dv


def _only_the_other_looks_ahead(V, u, v, h):
    du, dv = _gradients(V, u, v)
    return u - h * du, v + h * _gradients(V, u - h * du, v + h * dv)[1]


def _of_a_product(V, u, v, h):
    u_trial, v_trial = u - h * v, v + h * u
    return u - h * v_trial, v + h * u_trial


def _step_of_one(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v + h * dv)
    return u - du, v + dv


def _gradients_exchanged(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v + h * dv)
    return u - h * dv, v + h * du


def _from_the_middle(V, u, v, h):
    du, dv = _gradients(V, u, v)
    u, v = u - h * du, v + h * dv
    du, dv = _gradients(V, u, v)
    return u - h * du, v + h * dv


def _simultaneous(V, u, v, h):
    du, dv = _gradients(V, u, v)
    return u - h * du, v + h * dv


def _alternating(V, u, v, h):
    u = u - h * _gradients(V, u, v)[0]
    return u, v + h * _gradients(V, u, v)[1]


def _descent(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v - h * dv)
    return u - h * du, v - h * dv


def _wrong_way(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u + h * du, v - h * dv)
    return u + h * du, v - h * dv


def _descent_at_the_trial(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v - h * dv)
    return u - h * du, v + h * dv


def _half_way(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h / 2 * du, v + h / 2 * dv)
    return u - h * du, v + h * dv


def _averaged(V, u, v, h):
    du, dv = _gradients(V, u, v)
    eu, ev = _gradients(V, u - h * du, v + h * dv)
    return u - h * (du + eu) / 2, v + h * (dv + ev) / 2


def _trial_of_the_other(V, u, v, h):
    du, dv = _gradients(V, u, v)
    eu, _ = _gradients(V, u, v + h * dv)
    _, ev = _gradients(V, u - h * du, v)
    return u - h * eu, v + h * ev


def bilinear(u, v):
    return u * v


def bent(u, v):
    return u * v + u**3 - 0.5 * v**2 * u


def skewed(u, v):
    return u * v + 0.5 * (u - 0.2) ** 2 - 0.3 * v + 0.1 * v**3


bilinear.label, bent.label = "u v", "u v + u³ - u v² / 2"
skewed.label = "u v + (u - 0.2)² / 2 - 0.3 v + 0.1 v³"


extragradient_step = Check(
    "extragradient_step",
    _extragradient,
    [
        (bilinear, 1.0, 0.5, 0.3),
        (bilinear, 0.0, 2.0, 0.5),
        (bent, 0.4, -0.7, 0.1),
        (bent, -0.3, 0.6, 0.2),
        (skewed, 0.7, -0.4, 0.3),
    ],
    {
        "a simultaneous step. Extragradient looks ahead first, and "
        "takes the gradients there.": _simultaneous,
        "an alternating step. Extragradient takes both gradients at a trial point.": _alternating,
        "two steps in a row, in effect. The step itself starts from where you *were*, with the "
        "gradients of the trial point alone: were the first gradients cleared, and did u and v "
        "stay?": _from_the_middle,
        "both players go downhill. v wants V to be large: it goes up.": _descent,
        "at the trial point both players have gone downhill. v wants V to be large: it goes "
        "up.": _descent_at_the_trial,
        "the trial point lies the wrong way: u goes down there too, v up.": _trial_the_wrong_way,
        "v's gradient is taken after u has moved; both are taken at the trial "
        "point.": _one_after_the_other,
        "the trial of v is made after u has moved; both trials start from the same "
        "place.": _trial_after_the_other,
        "only one of the players looks ahead; both gradients are those of the trial point.": (
            _only_one_looks_ahead,
            _only_the_other_looks_ahead,
        ),
        "h is missing in the step itself.": _step_of_one,
        "right for V = u v alone, whose gradients stand in it: take those of the V that is given, "
        "by autograd.": _of_a_product,
        "the gradients are exchanged: u moves by that of u, v by that of v.": _gradients_exchanged,
        "both players go the wrong way: u goes down, v goes up.": _wrong_way,
        "the trial point is half a step ahead; it is a whole one.": _half_way,
        "the mean of both gradients (Heun's step). Extragradient takes those of the trial point "
        "alone.": _averaged,
        "each player looks ahead alone: both have moved at the trial point, and both gradients are "
        "taken there.": _trial_of_the_other,
        "these are the gradients; the new (u, v) is wanted, a step of h along them.": (
            lambda V, u, v, h: _gradients(V, u, v),
            lambda V, u, v, h: _gradients(V, *_simultaneous(V, u, v, h)),
        ),
    },
    forms=(_in_two_steps,),
)
