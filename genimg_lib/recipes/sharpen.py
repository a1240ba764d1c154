"""A decoder finished with a discriminator beside the error: for codes, or for a VAE."""

import copy

import torch
import torch.nn.functional as F

from genimg_lib import gan

BATCH, WARMUP = 32, 50
LR, LR_D = 1e-3, 3e-3


def of_pixels(D, x_hat, x):
    """The mean squared error of a pixel."""
    return F.mse_loss(x_hat, x)


def of_features(D, x_hat, x):
    """The same, and that of the maps below the discriminator's last layer (Larsen et al. 2015)."""
    return of_pixels(D, x_hat, x) + F.mse_loss(D.body(x_hat), D.body(x))


def sharpen(
    run,
    net,
    rebuild,
    tensors,
    weight,
    label="finish",
    ema_decay=0.995,
    momentum=0.0,
    error=of_pixels,
    **when,
):
    """Train net.decoder with a discriminator beside an error; nothing else moves.

    net: has a `decoder`. rebuild: (net, x, *more) -> x_hat like x, [N, C, H, W] in [-1, 1].
    tensors: (uint8 images, *more), of the same length.
    weight: of the discriminator's verdict, beside the error. It rises over the first tenth: a fresh
        discriminator's verdict is worth nothing yet.
    momentum: beta_1 of both optimisers. error: (D, x_hat, x) -> a number.
    when: minutes=... or steps=..., for `run.train`.
    Gives the average of the net's weights, in eval mode.
    Source: Larsen et al. 2015 (arXiv:1512.09300), with hinge losses.
    """
    net = copy.deepcopy(net).requires_grad_(True).train()
    channels, size = tensors[0].shape[1:3]
    D = gan.Discriminator(size, channels, width=24).to(run.device)
    opt, opt_D = (
        torch.optim.AdamW(weights, lr, betas=(momentum, 0.99), fused=True)
        for weights, lr in ((net.decoder.parameters(), LR), (D.parameters(), LR_D))
    )
    books = {"ema": "net", "ema_decay": ema_decay, "net": net, "opt": opt}
    books |= {"D": D, "opt_D": opt_D, "label": label}
    for x, *more in run.train(run.batches(tensors, BATCH), **books, **when):
        run.anneal(opt, opt_D, warmup=WARMUP)
        with run.autocast():
            x_hat = rebuild(net, x, *more).float()
            a, a_hat = D(torch.cat([x, x_hat.detach()])).float().chunk(2)
        loss_D = gan.hinge_d_loss(a, a_hat)
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        D.requires_grad_(False)  # gradients pass through D, but nobody needs its own
        with run.autocast():
            loss_G = gan.hinge_g_loss(D(x_hat).float())
            distance = error(D, x_hat, x).float()
        opt.zero_grad()
        (distance + weight * min(1.0, run.progress / 0.1) * loss_G).backward()
        opt.step()
        D.requires_grad_(True)
        run.log(error=distance, loss_D=loss_D)
    return run.ema["net"].eval()
