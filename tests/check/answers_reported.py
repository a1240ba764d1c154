"""Answers that were reported: refused though right, accepted though wrong, ill explained."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from answer_table import right, wrong
from scipy.special import rel_entr

# ---------------------------------------------------------------- refused though right


@right("distances.kl")
def _(p, q):
    return rel_entr(p.numpy(), q.numpy()).sum(axis=-1)


@right("gan_minimax.losses_at_zero")
def _():
    return torch.tensor([2 * math.log(2), math.log(2)])


@right("fast_style.margins")
def _(o, h, grid):
    return torch.tensor([o % grid, -(o + h) % grid])


@right("images_as_tensors.same_histograms")
def _(image):
    return image.numpy()[:, :, ::-1]


@right("convolution.conv_transpose")
def _(y, k, s, p):
    (H, W), (h, w) = y.shape, k.shape
    out = np.zeros(((H - 1) * s + h, (W - 1) * s + w))
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] += y[i, j].item() * k.numpy()
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


@right("dcgan.attribute_direction")
def _(latents, has):
    direction = latents[has].mean(0) - latents[~has].mean(0)
    return direction / direction.norm()


class StartsAtZero(nn.Module):
    def __init__(self, pixels, latent):
        super().__init__()
        self.hidden = nn.Linear(pixels, 32)
        self.mean, self.logvar = nn.Linear(32, latent), nn.Linear(32, latent)
        for head in (self.mean, self.logvar):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, x):
        h = torch.relu(self.hidden(x.flatten(1)))
        return self.mean(h), self.logvar(h)


@right("vae.build_encoder")
def _(pixels, latent):
    return StartsAtZero(pixels, latent)


@right("gan.d_step_loss")
def _(D, G, real, z):
    D.zero_grad()
    for weight in G.parameters():
        assert weight.requires_grad
    with torch.no_grad():
        fake = G(z)
    labels = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))])
    logits = torch.cat([D(real), D(fake)])
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return losses[: len(real)].mean() + losses[len(real) :].mean()


# ---------------------------------------------------------------- accepted though wrong


@wrong("images_as_tensors.to_uint8", "changes its argument `x` in place")
def _(x):
    x.clamp_(-1, 1)
    return (127.5 * (x + 1)).round().to(torch.uint8)


@wrong("fast_style.instance_norm", "changes its argument `h` in place")
def _(h, a, b):
    h -= h.mean((2, 3), keepdim=True)
    h /= (h.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    return a.view(1, -1, 1, 1) * h + b.view(1, -1, 1, 1)


@wrong("stable_gan.r1_penalty", "switches on requires_grad on the caller's `real`")
def _(critic, real):
    real.requires_grad_()
    (slope,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()


@wrong("stable_gan.r1_penalty", "leaves gradients behind in the weights of `critic`")
def _(critic, real):
    x = real.clone().requires_grad_()
    critic(x).sum().backward(create_graph=True)
    return x.grad.flatten(1).square().sum(1).mean()


@wrong("distances.sliced_wasserstein", r"no gradient reaches `x`.*\.item\(\)")
def _(x, y, directions):
    total = 0.0
    for d in directions:
        total += ((x @ d).sort().values - (y @ d).sort().values).abs().mean().item()
    return total / len(directions)


@wrong("distances.sliced_wasserstein", r"no gradient reaches `x`.*torch\.tensor")
def _(x, y, directions):
    distances = [((x @ d).sort().values - (y @ d).sort().values).abs().mean() for d in directions]
    return torch.tensor(distances).mean()


@wrong("images_as_tensors.image_bytes", "multiple of 8")
def _(height, width, channels, bits):
    return height * width * channels * (bits // 8)


@wrong("stable_gan.combinations_covered", "base 10|ten values")
def _(factors, sizes):
    codes = sum(factors[:, k] * 10**k for k in range(factors.shape[1]))
    return len(codes.unique()) / math.prod(sizes)


@wrong("images_as_tensors.psnr", "range was measured on the images")
def _(x, y):
    data_range = x.max() - x.min()
    return 10 * torch.log10(data_range**2 / (x - y).square().flatten(1).mean(1))


@wrong("elbo.iwae_bound", "one maximum for the whole batch")
def _(log_w):
    m = log_w.max()
    return m + torch.log(torch.exp(log_w - m).mean(0))


@wrong("gan.d_step_loss", "logarithm of a sigmoid that is exactly 0")
def _(D, G, real, z):
    fake = G(z).detach()
    return -torch.log(torch.sigmoid(D(real))).mean() - torch.log(1 - torch.sigmoid(D(fake))).mean()


@wrong("fast_style.instance_norm", "no ε")
def _(h, a, b):
    return (
        a[:, None, None] * (h - h.mean((2, 3), keepdim=True)) / h.std((2, 3), keepdim=True)
        + b[:, None, None]
    )


@wrong("fast_style.instance_norm", "another ε")
def _(h, a, b):
    return F.instance_norm(h, weight=a, bias=b, eps=1e-2)


@wrong("fast_style.instance_norm", "under the root")
def _(h, a, b):
    normed = (h - h.mean((2, 3), keepdim=True)) / (h.std((2, 3), keepdim=True, correction=0) + 1e-3)
    return a[:, None, None] * normed + b[:, None, None]


@right("fast_style.instance_norm")
def _(h, a, b):
    return F.instance_norm(h, weight=a, bias=b)


@wrong("conditional_gan.conditional_batch_norm", "no ε")
def _(x, gamma, beta, mean=None, var=None):
    if mean is None:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    normed = (x - mean[:, None, None]) / var[:, None, None].sqrt()
    return (1 + gamma[..., None, None]) * normed + beta[..., None, None]


def initialised(net, bias):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0, 0.02)
            if bias:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1, 0.02)
            nn.init.zeros_(m.bias)
    return net


@wrong("dcgan.init_dcgan", "biases of nn.ConvTranspose2d were set to 0; they stay")
def _(net):
    return initialised(net, bias=True)


@right("dcgan.init_dcgan")
def _(net):
    return net.apply(lambda m: initialised(m, bias=False))


@wrong("stable_gan.gradient_penalty", r"not for points \[N, 2\]")
def _(critic, real, fake):
    alpha = torch.rand(real.shape[0], 1, 1, 1)
    x = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()


class NeverPositive(StartsAtZero):
    def forward(self, x):
        mean, logvar = super().forward(x)
        return mean, -F.softplus(logvar)


@wrong("vae.build_encoder", "logvar is never positive")
def _(pixels, latent):
    return NeverPositive(pixels, latent)


@wrong("neural_style.masked_gram", r"all pictures of the batch in one matrix|\[N, C, C\]")
def _(F, mask):
    rows = (F * mask.sqrt())[0].flatten(1)
    return (rows @ rows.T / (F.shape[1] * mask.sum()))[None]


@wrong("neural_style.masked_gram", "divided by the number of pictures")
def _(F, mask):
    rows = (F * mask.sqrt()).flatten(2)
    return rows @ rows.mT / (F.shape[0] * F.shape[1] * mask.sum())


@wrong("neural_style.content_gradient", "autograd found them")
def _(F, wanted):
    F = F.detach().clone().requires_grad_()
    ((F - wanted) ** 2).mean().backward()
    return F.grad


@wrong("neural_style.content_gradient", "on the caller's `F`|caller's `F.grad`")
def _(F, wanted):
    F.requires_grad_(True)
    ((F - wanted) ** 2).mean().backward()
    return F.grad


@wrong("neural_style.total_variation", r"no gradient reaches `x`.*detach")
def _(x):
    x = x.detach()
    return x.diff(dim=3).abs().mean() + x.diff(dim=2).abs().mean()


@wrong("fast_style.whiten", "small number was added to the eigenvalues")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1] + 1e-5 * torch.eye(len(F)))
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ flat


@wrong("convolution.upsample", r"a ramp does not stay a ramp.*0\.406")
def _(x):
    return F.interpolate(x[None, None], scale_factor=2, mode="bicubic")[0, 0]


@right("convolution.upsample")
def _(x):
    return F.interpolate(x[None, None], scale_factor=2, mode="bilinear", align_corners=False)[
        0, 0
    ].numpy()


# ---------------------------------------------------------------- explained by another mistake


@wrong(
    "conditional_gan.obedience",
    r"stops with AttributeError.*'mean'|stops with RuntimeError.*mean\(\)",
)
def _(asked, logits):
    return (logits.argmax(1) == asked).mean()


@wrong("conditional_gan.conditional_batch_norm", "stops with NameError: name 'eps' is not defined")
def _(x, gamma, beta, mean=None, var=None):
    if mean is None:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    normed = (x - mean[:, None, None]) / (var[:, None, None] + eps).sqrt()  # noqa: F821
    return (1 + gamma[..., None, None]) * normed + beta[..., None, None]


@wrong("conditional_gan.image_with_label", "stops with RuntimeError.*Sizes of tensors must match")
def _(x, labels, classes):
    return torch.cat([x, F.one_hot(labels, classes)[:, :, None, None].expand(-1, -1, 2, 2)], dim=1)


@wrong("stable_gan.r1_penalty", "create_graph=True")
def _(critic, real):
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x)
    return slope.flatten(1).square().sum(1).mean()


@wrong("stable_gan.r1_penalty", r"no gradient reaches `critic`.*\.detach\(\)")
def _(critic, real):
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.detach().flatten(1).square().sum(1).mean()


@wrong("stable_gan.gradient_penalty", "create_graph=True")
def _(critic, real, fake):
    alpha = torch.rand(len(real), *[1] * (real.dim() - 1))
    x = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()
