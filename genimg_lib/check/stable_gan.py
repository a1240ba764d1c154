"""Checks of notebook 23, a GAN that trains."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.penalty import gradient_penalty
from genimg_lib.check.wording import (
    A_COUNT,
    HALF_OF_BOTH,
    SUMMED_EACH_PART,
    SUMMED_OVER_BATCH,
    UNSAFE_SIGMOID,
)

__all__ = [
    "combinations_covered",
    "gradient_penalty",
    "hinge_losses",
    "influence",
    "power_iteration",
    "r1_penalty",
    "relativistic_d_loss",
]

# ---------------------------------------------------------------- combinations


def _few(seed, n, sizes):
    """Factors that repeat: rows drawn from a few combinations."""
    kinds = max(2, n // 3)
    columns = [inputs.integers(seed + k, size, kinds) for k, size in enumerate(sizes)]
    rows = torch.stack(columns, dim=1)
    return rows[inputs.integers(seed + 9, kinds, n)], list(sizes)


def _covered(factors, sizes):
    return len({tuple(row) for row in factors.tolist()}) / math.prod(sizes)


def _distinct(codes):
    return len(set(codes))


def _each_alone(factors):
    return [_distinct(column.tolist()) for column in factors.T]


def _in_base(factors, base):
    return _distinct(sum(v * base**k for k, v in enumerate(row)) for row in factors.tolist())


def _drawn_factors(seed, n, a, b, c):
    return _few(seed, n, (a, b, c)[: 2 + seed % 2])


combinations_covered = Check(
    "combinations_covered",
    _covered,
    [
        (torch.tensor([[0, 1], [1, 0], [0, 1]]), [2, 2]),
        (torch.tensor([[0, 10], [1, 0], [0, 0]]), [2, 11]),
        (torch.tensor([[10, 0], [0, 1], [0, 0]]), [11, 2]),
        (torch.tensor([[1, 12], [11, 2]]), [12, 13]),
        (torch.tensor([[0, 12, 0], [1, 2, 0], [0, 1, 2], [0, 0, 12]]), [2, 13, 13]),
        _few(341, 20, (3, 4, 2)),
        _few(345, 9, (5, 2)),
        _few(349, 60, (2, 3, 2, 3)),
        *drawn(_drawn_factors, count=8, seed=(0, 9), n=(1, 9), a=(1, 4), b=(2, 4), c=(1, 3)),
    ],
    {
        "every sample counts as new: two tensors are never the same element of a set. Turn rows "
        "into tuples, or use torch.unique with dim=0.": (
            lambda f, s: len(f) / math.prod(s),
            lambda f, s: min(1.0, len(f) / math.prod(s)),
        ),
        A_COUNT + " Divide by the number of all combinations.": lambda f, s: _distinct(
            map(tuple, f.tolist())
        ),
        "the share of the samples that differ. It is asked how many of all *possible* combinations "
        "came.": lambda f, s: _distinct(map(tuple, f.tolist())) / len(f),
        "each factor by itself: all values may come, and most combinations never.": lambda f, s: (
            math.prod(_each_alone(f)) / math.prod(s)
        ),
        "the mean of what each factor covers by itself. Combinations are rows.": lambda f, s: (
            sum(a / b for a, b in zip(_each_alone(f), s, strict=True)) / len(s)
        ),
        "values, not combinations: torch.unique without dim=0 looks at single "
        "numbers.": lambda f, s: len(f.unique()) / math.prod(s),
        "summed over the factors, each by itself. Combinations multiply.": lambda f, s: (
            sum(_each_alone(f)) / sum(s)
        ),
        "the codes were added: (0, 1) and (1, 0) become the same.": lambda f, s: (
            _distinct(f.sum(dim=1).tolist()) / math.prod(s)
        ),
        "the codes were multiplied: (0, 1) and (1, 0) become the same.": lambda f, s: (
            _distinct(f.prod(dim=1).tolist()) / math.prod(s)
        ),
        "values in no order: (0, 1) and (1, 0) become the same.": lambda f, s: (
            _distinct(tuple(sorted(row)) for row in f.tolist()) / math.prod(s)
        ),
        "the numbers of values were taken from the samples; values that never came count, too.": (
            lambda f, s: (
                _distinct(map(tuple, f.tolist())) / math.prod((f.amax(dim=0) + 1).tolist())
            ),
            lambda f, s: _distinct(map(tuple, f.tolist())) / math.prod(_each_alone(f)),
        ),
        "more combinations than samples cannot come, but the share is that of all of "
        "them.": lambda f, s: _distinct(map(tuple, f.tolist())) / min(len(f), math.prod(s)),
        "as many combinations as factors were counted; their numbers of values "
        "multiply.": lambda f, s: _distinct(map(tuple, f.tolist())) / max(s) ** len(s),
        "codes in base 10: with ten values or more two combinations may share a code, (1, 0) and "
        "(0, 10). The base has to be the number of values.": (
            lambda f, s: _in_base(f.flip(1), 10) / math.prod(s),
            lambda f, s: _in_base(f, 10) / math.prod(s),
        ),
        "digits put side by side without a gap: (1, 12) and (11, 2) become the "
        "same.": lambda f, s: (
            _distinct("".join(map(str, row)) for row in f.tolist()) / math.prod(s)
        ),
        "divided by the sum of the numbers of values; there are as many combinations as their "
        "product.": lambda f, s: _distinct(map(tuple, f.tolist())) / sum(s),
        "combinations that came once only; those that came more often count as "
        "well.": lambda f, s: (
            int((f.unique(dim=0, return_counts=True)[1] == 1).sum()) / math.prod(s)
        ),
    },
)

# ---------------------------------------------------------------- losses


def _hinge(real, fake):
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def _hinge_losses(real_logits, fake_logits):
    return _hinge(real_logits, fake_logits), -fake_logits.mean()


def _logits(seed, n, m):
    return 2 * inputs.normal(seed, n), 2 * inputs.normal(seed + 50, m) - 0.5


hinge_losses = Check(
    "hinge_losses",
    _hinge_losses,
    [
        (torch.tensor([0.5]), torch.tensor([-3.0])),
        (2 * inputs.normal(351, 9), 2 * inputs.normal(352, 9)),
        (inputs.normal(353, 6, 1), 3 * inputs.normal(354, 8, 1)),
        (5 + inputs.normal(355, 7), -5 + inputs.normal(356, 7)),
        *drawn(_logits, count=6, seed=(0, 9), n=(1, 4), m=(1, 4)),
    ],
    {
        "the signs in the discriminator's loss are turned: real logits should be above 1, fake "
        "ones below -1.": lambda r, f: (
            _hinge(-r, -f),
            -f.mean(),
        ),
        "the margin is missing: a logit of 0.1 would be enough, and one that is always 0 costs "
        "nothing.": lambda r, f: (
            F.relu(-r).mean() + F.relu(f).mean(),
            -f.mean(),
        ),
        "the mean before the maximum: one image that is sure enough would excuse another. Each "
        "image has its own margin.": (
            lambda r, f: (F.relu(1 - r.mean()) + F.relu(1 + f.mean()), -f.mean())
        ),
        "without max(0, ·) nothing ever is good enough: this is Wasserstein's loss plus "
        "2.": lambda r, f: (
            (1 - r).mean() + (1 + f).mean(),
            -f.mean(),
        ),
        "the generator has no margin: its loss is -a, so that its slope never "
        "vanishes.": lambda r, f: (
            _hinge(r, f),
            F.relu(1 - f).mean(),
        ),
        "the generator's sign is turned: it wants large logits.": lambda r, f: (
            _hinge(r, f),
            f.mean(),
        ),
        "the generator's loss is another game's here; the hinge game's is minus the mean logit.": (
            lambda r, f: (_hinge(r, f), F.softplus(-f).mean()),
            lambda r, f: (_hinge(r, f), F.relu(-f).mean()),
            lambda r, f: (_hinge(r, f), r.mean() - f.mean()),
        ),
        "the hinge is squared; it is taken as it is.": lambda r, f: (
            F.relu(1 - r).square().mean() + F.relu(1 + f).square().mean(),
            -f.mean(),
        ),
        "one mean over real and fake logits together; take one of each, and add "
        "them.": lambda r, f: (
            torch.cat([F.relu(1 - r).flatten(), F.relu(1 + f).flatten()]).mean(),
            -f.mean(),
        ),
        "real logits are pushed down to 1; they should be above it: 1 - a.": lambda r, f: (
            F.relu(r - 1).mean() + F.relu(1 + f).mean(),
            -f.mean(),
        ),
        "real and fake are exchanged.": lambda r, f: (_hinge(f, r), -r.mean()),
        HALF_OF_BOTH: lambda r, f: (_hinge(r, f) / 2, -f.mean()),
        SUMMED_EACH_PART: lambda r, f: (F.relu(1 - r).sum() + F.relu(1 + f).sum(), -f.sum()),
        "the generator's loss is minus the discriminator's part of fakes. That vanishes where the "
        "discriminator is sure: use -a.": lambda r, f: (_hinge(r, f), -F.relu(1 + f).mean()),
        "the hinge is smoothed: softplus never is 0, and beyond the margin nothing should be "
        "paid.": lambda r, f: (
            F.softplus(1 - r).mean() + F.softplus(1 + f).mean(),
            -f.mean(),
        ),
        "only real images are in the discriminator's loss. It would call everything "
        "real.": lambda r, f: (
            F.relu(1 - r).mean(),
            -f.mean(),
        ),
        "only fakes are in the discriminator's loss; real images count as well.": lambda r, f: (
            F.relu(1 + f).mean(),
            -f.mean(),
        ),
    },
    gradient=("real_logits", "fake_logits"),
)


def _softplus_of_difference(real_logits, fake_logits):
    return F.softplus(fake_logits - real_logits).mean()


def _pairs(seed, n):
    return 2 * inputs.normal(seed, n), 2 * inputs.normal(seed + 50, n) + 1


relativistic_d_loss = Check(
    "relativistic_d_loss",
    _softplus_of_difference,
    [
        (torch.tensor([2.0]), torch.tensor([1.5])),
        (inputs.normal(361, 8), 1 + inputs.normal(362, 8)),
        (3 * inputs.normal(363, 5, 1), 3 * inputs.normal(364, 5, 1)),
        (torch.tensor([1e4, -1e4, 3.0]), torch.tensor([-1e4, 1e4, 5.0])),
        *drawn(_pairs, count=6, seed=(0, 9), n=(1, 4)),
    ],
    {
        "the sign is turned: this asks whether the *fake* is more real, which is the generator's "
        "loss.": lambda r, f: F.softplus(r - f).mean(),
        "averaged before subtracting: the batch has one difference then, and no pairs. Subtract, "
        "then softplus, then the mean.": lambda r, f: F.softplus(f.mean() - r.mean()),
        "each is compared with the mean of the others. That is the relativistic *average* loss; "
        "here each real image has one partner.": (
            lambda r, f: F.softplus(f.mean() - r).mean() + F.softplus(f - r.mean()).mean(),
            lambda r, f: F.softplus(f.mean() - r).mean(),
            lambda r, f: F.softplus(f - r.mean()).mean(),
            lambda r, f: (F.softplus(f.mean() - r).mean() + F.softplus(f - r.mean()).mean()) / 2,
        ),
        "each image by itself: this is the loss of notebook 14. Here only the difference of a pair "
        "counts.": lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean(),
        UNSAFE_SIGMOID: (
            lambda r, f: -torch.sigmoid(r - f).log().mean(),
            lambda r, f: (1 + (f - r).exp()).log().mean(),
        ),
        "every real with every fake: a [N, 1] against a [N] makes [N, N]. Pairs are those of the "
        "same place.": lambda r, f: F.softplus(f.flatten()[:, None] - r.flatten()).mean(),
        "without the softplus this is Wasserstein's loss, which has no lower bound.": lambda r, f: (
            f - r
        ).mean(),
        "cut off: a clamp, or a small number inside the logarithm, hides differences of ±10⁴.": (
            *(
                lambda r, f, eps=eps: -(torch.sigmoid(r - f) + eps).log().mean()
                for eps in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
            ),
            *(
                lambda r, f, most=most: F.softplus((f - r).clamp(-most, most)).mean()
                for most in (10, 20, 30, 50, 80, 88, 100)
            ),
            *(
                lambda r, f, most=most: (1 + (f - r).clamp(max=most).exp()).log().mean()
                for most in (20, 30, 50, 80, 88)
            ),
        ),
        "the sigmoid of the difference; the loss is minus its logarithm, softplus.": (
            lambda r, f: torch.sigmoid(f - r).mean(),
            lambda r, f: 1 - torch.sigmoid(r - f).mean(),
        ),
        "both ways were added: real against fake is the discriminator's, fake against real the "
        "generator's.": lambda r, f: F.softplus(f - r).mean() + F.softplus(r - f).mean(),
        "the difference of two losses; it is the loss of a difference.": lambda r, f: (
            F.softplus(f) - F.softplus(r)
        ).mean(),
        "the squared error of the difference, another game (least squares GAN).": lambda r, f: (
            (r - f - 1).square().mean()
        ),
        "the hinge of the difference; softplus is asked.": (
            lambda r, f: F.relu(f - r).mean(),
            lambda r, f: F.relu(1 + f - r).mean(),
        ),
        "probabilities were subtracted, not logits: their difference never goes beyond "
        "1.": lambda r, f: F.softplus(torch.sigmoid(f) - torch.sigmoid(r)).mean(),
        SUMMED_OVER_BATCH: lambda r, f: F.softplus(f - r).sum(),
        "the logits were added; the difference of a pair is asked.": lambda r, f: F.softplus(
            -(r + f)
        ).mean(),
    },
    gradient=("real_logits", "fake_logits"),
)

# ---------------------------------------------------------------- spectral norm


def _power(W, u, normal=True):
    v = W.T @ u
    v = v / v.norm() if normal else v
    new = W @ v
    new = new / new.norm() if normal else new
    return new, new @ W @ v, v


def _power_iteration(W, u):
    return _power(W, u)[:2]


def _without_transpose(W, u):
    v = F.normalize(W @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    return u, u @ W @ v


def _v_not_normalised(W, u):
    v = W.T @ u
    u = F.normalize(W @ v, dim=0)
    return u, u @ W @ v


def _u_not_normalised(W, u):
    v = F.normalize(W.T @ u, dim=0)
    u = W @ v
    return u, u @ W @ v


def _matrix_and_vector(seed, m, n):
    return inputs.normal(seed, m, n), inputs.unit(seed + 50, m)


power_iteration = Check(
    "power_iteration",
    _power_iteration,
    [
        (torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0.6, 0.8])),
        (inputs.normal(371, 4, 4), inputs.unit(372, 4)),
        (inputs.normal(373, 3, 6), inputs.unit(374, 3)),
        (2 * inputs.normal(375, 7, 2), inputs.unit(376, 7)),
        *drawn(_matrix_and_vector, count=6, seed=(0, 9), m=(2, 4), n=(2, 4)),
    ],
    {
        "W was used both ways: the first product is with "
        "its transpose, v = W' u.": _without_transpose,
        "not normalised: after a few steps these vectors overflow or vanish.": lambda W, u: _power(
            W, u, normal=False
        )[:2],
        "v is not brought to length 1, and sigma comes out |W' u| times too large.": (
            _v_not_normalised
        ),
        "the new u is not brought to length 1: after a few steps it overflows or "
        "vanishes.": _u_not_normalised,
        "sigma is u' W v with the *new* u. With the old one it is |W' u|, an estimate half a step "
        "behind.": lambda W, u: (
            _power(W, u)[0],
            u @ W @ _power(W, u)[2],
        ),
        "v was given back; it is u that is kept for the next step.": lambda W, u: (
            _power(W, u)[2],
            _power(W, u)[1],
        ),
        "the old u was given back: no step was taken, and sigma never gets better.": (
            lambda W, u: (u, _power(W, u)[1]),
            lambda W, u: (u, u @ W @ _power(W, u)[2]),
        ),
        "this is the exact norm. One step gives an estimate, from below, for the price of two "
        "products.": lambda W, u: (
            _power(W, u)[0],
            torch.linalg.matrix_norm(W, 2),
        ),
        "the Frobenius norm, the root of the sum of all singular values squared. The largest one "
        "is wanted.": lambda W, u: (
            _power(W, u)[0],
            W.norm(),
        ),
        "this is sigma squared.": lambda W, u: (_power(W, u)[0], _power(W, u)[1] ** 2),
        "u and sigma are exchanged.": lambda W, u: _power_iteration(W, u)[::-1],
        "two steps were taken; one is asked, in each training step.": lambda W, u: _power_iteration(
            W, _power(W, u)[0]
        ),
    },
)

# ---------------------------------------------------------------- slopes


def _jacobian(critic, x):
    """da_i / dx_j: [N, N, pixels], each image's logit by each image."""
    return torch.autograd.functional.jacobian(critic, x).flatten(2)


def _of_the_sum(critic, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x)[0].flatten(1)


def _alone(critic, x):
    return torch.diag(torch.cat([_of_the_sum(critic, one[None]).norm(dim=1) for one in x]))


influence = Check(
    "influence",
    lambda critic, x: _jacobian(critic, x).norm(dim=2),
    [
        (inputs.CriticWithBatchNorm(), inputs.normal(381, 2, 1)),
        (inputs.CriticWithBatchNorm(), inputs.normal(382, 5, 3)),
        (inputs.Critic(), inputs.normal(383, 4, 1, 2, 2)),
        (inputs.CriticWithBatchNorm(), 2 * inputs.normal(384, 6, 2, 2, 1)),
    ],
    {
        "transposed: row i belongs to logit i, column j to image j.": lambda critic, x: (
            _jacobian(critic, x).norm(dim=2).T
        ),
        "the gradient of the *sum* of the logits. In it all influences on an image are added; take "
        "each logit by itself.": (
            lambda critic, x: _of_the_sum(critic, x).norm(dim=1),
            lambda critic, x: torch.diag(_of_the_sum(critic, x).norm(dim=1)),
            lambda critic, x: _of_the_sum(critic, x).norm(dim=1).expand(len(x), -1),
        ),
        "only the diagonal: what each logit owes to its own image. What does it owe to the "
        "others?": (
            lambda critic, x: torch.diag(_jacobian(critic, x).norm(dim=2).diagonal()),
            lambda critic, x: _jacobian(critic, x).norm(dim=2).diagonal(),
        ),
        "the norms are squared.": lambda critic, x: _jacobian(critic, x).square().sum(dim=2),
        "the sum of absolute values; the length of a gradient is the root of the sum of "
        "squares.": lambda critic, x: _jacobian(critic, x).abs().sum(dim=2),
        "the largest entry of each gradient; its length is the root of the sum of "
        "squares.": lambda critic, x: _jacobian(critic, x).abs().amax(dim=2),
        "the sum of the gradient's entries; its length is the root of the sum of "
        "squares.": lambda critic, x: _jacobian(critic, x).sum(dim=2),
        "averaged over the pixels under the root; a length sums.": lambda critic, x: (
            _jacobian(critic, x).square().mean(dim=2).sqrt()
        ),
        "every image was given to the critic by itself. Batch norm's influence appears only in a "
        "batch.": _alone,
    },
    tolerance=3e-4,
)


def _slope(critic, x, reduce=torch.sum):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(reduce(critic(x)), x, create_graph=True)[0].flatten(1)


def _r1(critic, real):
    return _slope(critic, real).square().sum(dim=1).mean()


def _critic_and_images(seed, n, c, h):
    return inputs.Critic(), inputs.normal(seed, n, c, h, h)


r1_penalty = Check(
    "r1_penalty",
    _r1,
    [
        (inputs.Critic(), torch.tensor([[0.5, 1.0]])),
        (inputs.Critic(), inputs.normal(391, 5, 1, 3, 3)),
        (inputs.Critic(), 2 * inputs.normal(392, 8, 3, 2, 2)),
        (inputs.Critic(), inputs.normal(393, 6, 4)),
        *drawn(_critic_and_images, count=5, seed=(0, 9), n=(1, 4), c=(1, 3), h=(1, 3)),
    ],
    {
        "the length itself; R1 is its square, which is smooth where the slope is "
        "0.": lambda critic, x: _slope(critic, x).norm(dim=1).mean(),
        "this pulls the slope to 1, as the gradient penalty does. R1 pulls it to "
        "0.": lambda critic, x: (_slope(critic, x).norm(dim=1) - 1).square().mean(),
        "averaged over the pixels: it would weigh less for larger images. Sum over an image, mean "
        "over the batch.": (lambda critic, x: _slope(critic, x).square().mean()),
        SUMMED_OVER_BATCH: lambda critic, x: _slope(critic, x).square().sum(),
        "the slope of the *mean* logit: each image's slope was divided by the size of the batch, "
        "its square twice. Differentiate the sum.": lambda critic, x: (
            _slope(critic, x, torch.mean).square().sum(dim=1).mean()
        ),
        "the 1/2 of gamma / 2 belongs to the weight, which is multiplied on "
        "later.": lambda critic, x: _r1(critic, x) / 2,
        "the square of the mean length; take the mean of the squared lengths.": lambda critic, x: (
            _slope(critic, x).norm(dim=1).mean().square()
        ),
        "one number for each image; take the mean over the batch.": lambda critic, x: (
            _slope(critic, x).square().sum(dim=1)
        ),
        "the slopes were not squared.": (
            lambda critic, x: _slope(critic, x).sum(dim=1).mean(),
            lambda critic, x: _slope(critic, x).abs().sum(dim=1).mean(),
        ),
        "summed over the channels' axis only: flatten an image's gradient "
        "first.": lambda critic, x: _slope(critic, x).view(x.shape).square().sum(dim=1).mean(),
        "the logits themselves are squared; it is the slope of the logits by the "
        "pixels.": lambda critic, x: critic(x).square().mean(),
        "no gradient reaches": lambda critic, x: _r1(critic, x).detach(),
    },
    gradient=("critic",),
)
