"""The losses of the game.

All take logits, of any shape, and give their mean, to be minimised.
With log D = -softplus(-a) and log(1 - D) = -softplus(a) nothing overflows.
"""

import torch.nn.functional as F

from genimg_lib.layers import holds


def minimax_d_loss(real_logits, fake_logits):
    """The discriminator's loss in nats: -(E log D(x) + E log(1 - D(G(z)))).

    2 log 2 where it cannot tell.
    Source: Goodfellow et al. 2014 (arXiv:1406.2661), equation 1.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_g_loss(fake_logits):
    """E log(1 - D(G(z))): what the generator minimises in the minimax game.

    Its slope, -D, vanishes where the discriminator is sure of a fake.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), equation 1.
    """
    return -F.softplus(fake_logits).mean()


def nonsaturating_g_loss(fake_logits):
    """-E log D(G(z)): the generator's loss in practice.

    Its slope, -(1 - D), is largest where the discriminator is sure of a fake.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), section 3.
    """
    return F.softplus(-fake_logits).mean()


def hinge_d_loss(real_logits, fake_logits):
    """The hinge loss of the discriminator: E max(0, 1 - a(x)) + E max(0, 1 + a(G(z))).

    What is right by more than a margin of 1 counts no more. 0 or more.
    Source: Lim and Ye 2017 (arXiv:1705.02894); as here Miyato et al. 2018 (arXiv:1802.05957),
    equation 16.
    """
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_g_loss(fake_logits):
    """-E a(G(z)). Source: Miyato et al. 2018 (arXiv:1802.05957), equation 17."""
    return -fake_logits.mean()


def wasserstein_d_loss(real_logits, fake_logits):
    """The critic's loss, E a(G(z)) - E a(x): minus its estimate of Wasserstein-1.

    The estimate holds only for a critic of slope 1 at most.
    Source: Arjovsky et al. 2017 (arXiv:1701.07875), equation 2.
    """
    return fake_logits.mean() - real_logits.mean()


def wasserstein_g_loss(fake_logits):
    """-E a(G(z)). Source: Arjovsky et al. 2017 (arXiv:1701.07875), theorem 3."""
    return -fake_logits.mean()


def relativistic_d_loss(real_logits, fake_logits):
    """The relativistic loss of D: E softplus(-(a(x) - a(G(z)))) over pairs.

    Is the real image more real than its partner? log 2 where it cannot tell.
    Logits of the same shape; the pairs are those of the same place.
    Raises ValueError for unlike shapes.
    Source: Jolicoeur-Martineau 2018 (arXiv:1807.00734); as here Huang et al. 2024
    (arXiv:2501.05441), equation 2.
    """
    _check_pairs(real_logits, fake_logits)
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_g_loss(real_logits, fake_logits):
    """The same from the other side: E softplus(-(a(G(z)) - a(x))).

    The generator needs the reals' logits too.
    """
    _check_pairs(real_logits, fake_logits)
    return F.softplus(real_logits - fake_logits).mean()


def auxiliary_classifier_loss(logits, c):
    """The auxiliary classifier's loss: binary cross-entropy a target that c holds, in nats.

    logits: [N, K], one for each entry of the condition.
    c: [N, K] of zeros and ones, one 1 or more a row (several one-hot vectors side by side).
    Raises ValueError for unlike shapes and other conditions.
    Source: Odena et al. 2016 (arXiv:1610.09585), there a softmax over classes.
    """
    if not (holds((c == 0) | (c == 1)) and holds(c.sum(dim=1) > 0)):
        raise ValueError(
            "expected conditions of zeros and ones, one 1 or more a row; others have"
            " no classes: take weight 0"
        )
    if logits.shape != c.shape:
        raise ValueError(
            f"expected one logit for each entry of the conditions, got {list(logits.shape)} and"
            f" {list(c.shape)}"
        )
    return F.binary_cross_entropy_with_logits(logits, c, reduction="sum") / c.sum().clamp(min=1)


def _check_pairs(real_logits, fake_logits):
    if real_logits.shape != fake_logits.shape:
        raise ValueError(
            f"pairs need as many real as fake logits; got {list(real_logits.shape)} and"
            f" {list(fake_logits.shape)}"
        )
