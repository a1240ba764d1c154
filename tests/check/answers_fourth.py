"""Answers of a fourth round, most of them right in unusual ways, untried when written."""

import cmath
import functools
import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from answer_table import right, wrong
from scipy import linalg, ndimage, optimize, spatial, special, stats

# ---------------------------------------------------------------- 11


@right("images_as_tensors.image_bytes")
def _(*sizes):
    return int(Fraction(functools.reduce(lambda a, b: a * b, sizes), 8))


@right("images_as_tensors.to_uint8")
def _(x, low=0, high=255):
    return (
        torch.round(torch.lerp(torch.tensor(0.0), torch.tensor(255.0), (x + 1) / 2))
        .clip(low, high)
        .to(torch.uint8)
    )


@right("images_as_tensors.luma")
def _(images):
    return (
        torch.tensordot(
            images.double(), torch.tensor([0.299, 0.587, 0.114]).double(), dims=([1], [0])
        )
        .round()[:, None]
        .to(torch.uint8)
    )


@right("images_as_tensors.psnr")
def _(x, y):
    out = []
    for a, b in zip(x, y, strict=True):
        errors = [
            (p - q) ** 2 for p, q in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)
        ]
        out.append(10 * math.log10(4 / statistics.fmean(errors)))
    return np.array(out)


@right("images_as_tensors.same_histograms")
def _(image):
    return np.rot90(image.numpy(), 2, axes=(1, 2))


# ---------------------------------------------------------------- 12


@right("convolution.output_size")
def _(H, h, s, p, d):
    return len(range(0, H + 2 * p - d * (h - 1), s))


@right("convolution.convolve")
def _(x, k):
    full = np.fft.ifft2(
        np.fft.fft2(x.double(), s=(64, 64)) * np.fft.fft2(k.double(), s=(64, 64))
    ).real
    return full[len(k) - 1 : len(x), k.shape[1] - 1 : x.shape[1]]


@right("convolution.convolve")
def _(x, k):
    out = ndimage.convolve(x.numpy(), k.numpy(), mode="constant", origin=0)
    top, left = len(k) // 2, k.shape[1] // 2
    if len(k) % 2 == 0:
        top = len(k) // 2 - 1 + 1
    rows, columns = len(x) - len(k) + 1, x.shape[1] - k.shape[1] + 1
    del out, top, left
    return [
        [
            sum(
                x[i + a, j + b] * k[-1 - a, -1 - b]
                for a in range(len(k))
                for b in range(k.shape[1])
            ).item()
            for j in range(columns)
        ]
        for i in range(rows)
    ]


@right("convolution.conv_transpose")
def _(y, k, s, p):
    layer = nn.ConvTranspose2d(1, 1, tuple(k.shape), stride=s, padding=p, bias=False)
    layer.weight.data = k[None, None]
    return layer(y[None, None])[0, 0]


@right("convolution.upsample")
def _(x):
    big = F.interpolate(x[None, None], scale_factor=2, mode="nearest")
    padded = F.pad(big, (1, 1, 1, 1), mode="replicate")
    u = torch.tensor([0.25, 0.5, 0.25])
    return F.conv2d(padded, (u[:, None] * u)[None, None])[0, 0]


# ---------------------------------------------------------------- 13


@right("distances.kl")
def _(p, q):
    return special.kl_div(p.numpy(), q.numpy()).sum(-1)


@right("distances.entropy_gaussian")
def _(sigma):
    x = np.linspace(-12 * sigma, 12 * sigma, 20_001)
    density = stats.norm.pdf(x, scale=sigma)
    return -np.trapezoid(special.xlogy(density, density), x)


@right("distances.wasserstein_1d")
def _(x, y):
    cost = spatial.distance.cdist(np.repeat(x, len(y))[:, None], np.repeat(y, len(x))[:, None])
    rows, columns = optimize.linear_sum_assignment(cost)
    return cost[rows, columns].mean()


@right("distances.kl_gaussians")
def _(mu1, logvar1, mu2, logvar2):
    precision = torch.exp(-logvar2)
    return (
        torch.exp(logvar1) * precision + (mu2 - mu1).square() * precision - 1 - (logvar1 - logvar2)
    ).div(2)


@right("distances.frechet_1d")
def _(x, y):
    a, b = (
        statistics.NormalDist.from_samples(x.tolist()),
        statistics.NormalDist.from_samples(y.tolist()),
    )
    return (a.mean - b.mean) ** 2 + (a.stdev - b.stdev) ** 2


@right("distances.sliced_wasserstein")
def _(x, y, directions):
    along = torch.cat([x, y]) @ directions.mT
    a, b = along.split([len(x), len(y)])
    return F.l1_loss(a.msort(), b.msort())


# ---------------------------------------------------------------- 14


@right("gan_minimax.losses_at_zero")
def _():
    d = nn.BCEWithLogitsLoss()
    zero = torch.zeros(3)
    return (d(zero, torch.ones(3)) + d(zero, torch.zeros(3))).item(), d(zero, torch.ones(3))


@right("gan_minimax.optimal_discriminator")
def _(p_data, p_g):
    return torch.sigmoid(torch.log(p_data) - torch.log(p_g))


@right("gan_minimax.d_loss")
def _(real_logits, fake_logits):
    real = torch.clamp(-real_logits, min=0) + torch.log1p(torch.exp(-real_logits.abs()))
    fake = torch.clamp(fake_logits, min=0) + torch.log1p(torch.exp(-fake_logits.abs()))
    return real.mean() + fake.mean()


class NonSaturating(nn.Module):
    def forward(self, fake_logits):
        return -F.logsigmoid(fake_logits).sum() / fake_logits.numel()


right("gan_minimax.g_loss")(NonSaturating().forward)


@right("gan_minimax.extragradient_step")
def _(V, u, v, h):
    grad = torch.func.grad(lambda p: V(p[0], p[1]))
    flip = torch.tensor([1.0, -1.0], dtype=torch.float64)
    start = torch.tensor([u, v], dtype=torch.float64)
    trial = start - h * flip * grad(start)
    return tuple((start - h * flip * grad(trial)).tolist())


# ---------------------------------------------------------------- 15 and 16


@right("elbo.hidden_sigma")
def _(w):
    return abs(cmath.sqrt(w / 2))


@right("elbo.gaussian_kl")
def _(mean, logvar):
    return torch.stack(
        [
            0.5 * (m @ m + v.exp().sum() - len(m) - v.sum())
            for m, v in zip(mean, logvar, strict=True)
        ]
    )


@right("elbo.reparameterize")
def _(mean, logvar, eps):
    return torch.exp(logvar / 2).mul(eps).add(mean)


@right("elbo.iwae_bound")
def _(log_w):
    bound = log_w[0]
    for row in log_w[1:]:
        bound = torch.logaddexp(bound, row)
    return bound - np.log(log_w.shape[0])


@right("gram_matrices.constant_gram")
def _(a, height, width):
    return np.full((height, width), a).var() + a * a


@right("gram_matrices.gram")
def _(features):
    rows = features.flatten(start_dim=2)
    scaled = rows / (rows.shape[1] * rows.shape[2]) ** 0.5
    return torch.matmul(scaled, scaled.permute(0, 2, 1))


@right("gram_matrices.covariance_from_gram")
def _(G, mu):
    return (G.numpy() * len(mu) - np.outer(mu, mu)).tolist()


@right("gram_matrices.adain")
def _(content, style):
    def statistics_of(x):
        var, mean = torch.var_mean(x, dim=(-2, -1), keepdim=True)
        return mean, (var + 1e-8).sqrt()

    (m, s), (m2, s2) = statistics_of(content), statistics_of(style)
    return torch.addcmul(m2, s2, (content - m) / s)


@right("gram_matrices.style_loss")
def _(features, target):
    rows = features.flatten(2)
    difference = rows @ rows.transpose(-1, -2) / features[0].numel() - target
    return torch.einsum("nij,nij->n", difference, difference)


# ---------------------------------------------------------------- 21 and 22


@right("gan.steps_in_epoch")
def _(images, batch):
    return sum(1 for _ in range(batch, images + 1, batch))


@right("gan.step_labels")
def _(n):
    return torch.tensor([1.0, 0.0, 1.0])[:, None].expand(3, n)


@right("gan.d_step_loss")
def _(D, G, real, z):
    with torch.inference_mode():
        fake = G(z)
    return nn.Softplus()(-D(real)).mean() + nn.Softplus()(D(fake.clone())).mean()


@right("gan.slerp")
def _(a, b, t):
    length = a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)
    cosine = (a * b).sum(1, keepdim=True) / length
    omega = torch.arccos(cosine.clamp(-1 + 1e-7, 1 - 1e-7))
    left, right_ = (
        torch.sin((1 - t) * omega) / torch.sin(omega),
        torch.sin(t * omega) / torch.sin(omega),
    )
    return left * a + right_ * b


@right("gan.nearest_neighbours")
def _(samples, train):
    tree = spatial.cKDTree(train.flatten(1).numpy())
    return tree.query(samples.flatten(1).numpy())[1]


@right("gan.copied_share")
def _(samples, train, test):
    both = torch.cat([train, test]).flatten(1)
    nearest = torch.cdist(samples.flatten(1), both).argmin(1)
    return (nearest < len(train)).float().mean().item()


@right("dcgan.to_tanh_range")
def _(images):
    return np.interp(images.numpy(), [0, 255], [-1, 1])


@right("dcgan.stack_size")
def _(side, stack):
    if not stack:
        return side
    (kind, k, s, p), *rest = stack
    out = (
        (side - 1) * s - 2 * p + (k - 1) + 1
        if kind == "up"
        else math.floor((side + 2 * p - (k - 1) - 1) / s + 1)
    )
    return dcgan_stack(out, rest)


def dcgan_stack(side, stack):
    for kind, k, s, p in stack:
        side = (side - 1) * s - 2 * p + k if kind == "up" else (side + 2 * p - k) // s + 1
    return side


@right("dcgan.generator_stack")
def _(start, size):
    layers = itertools.repeat((4, 2, 1), int(math.log2(size) - math.log2(start) + 0.5))
    return list(layers)


@right("dcgan.half_life")
def _(decay):
    return optimize.brentq(lambda n: decay**n - 0.5, 0, 1e5)


@right("dcgan.moving_average")
def _(history, decay):
    powers = decay ** np.arange(len(history))[::-1]
    return np.average(history.numpy(), axis=0, weights=powers)


@right("dcgan.attribute_direction")
def _(latents, has):
    return 100 * (latents[has.nonzero()[:, 0]].mean(0) - latents[(~has).nonzero()[:, 0]].mean(0))


@right("dcgan.set_coordinate")
def _(z, direction, target):
    d = direction.numpy()
    along = (z.numpy() @ d / (d @ d))[:, None] * d
    return z.numpy() - along + target * d / np.linalg.norm(d)


# ---------------------------------------------------------------- 23 and 24


@right("stable_gan.hinge_losses")
def _(real_logits, fake_logits):
    d = nn.HingeEmbeddingLoss(margin=1.0)
    del d
    real = torch.maximum(torch.zeros(()), 1 - real_logits)
    fake = torch.where(fake_logits > -1, 1 + fake_logits, 0.0)
    return torch.stack([real.mean() + fake.mean(), fake_logits.mean().neg()])


@right("stable_gan.relativistic_d_loss")
def _(real_logits, fake_logits):
    pair = torch.stack([real_logits, fake_logits], dim=-1)
    return -pair.log_softmax(-1)[..., 0].mean()


@right("stable_gan.influence")
def _(critic, x):
    jacobian = torch.func.jacrev(critic)(x)
    return torch.linalg.vector_norm(jacobian.flatten(2), dim=-1)


@right("stable_gan.r1_penalty")
def _(critic, real):
    x = real.detach().clone().requires_grad_(True)
    total = 0
    for k, logit in enumerate(critic(x)):
        total = total + torch.autograd.grad(logit, x, create_graph=True)[0][k].square().sum()
    return total / len(real)


@right("conditional_gan.the_c")
def _():
    return {"cGAN": "conditional", "DCGAN": "convolutional"}.values().__iter__()


@right("conditional_gan.image_with_label")
def _(x, labels, classes):
    maps = (labels[:, None] == torch.arange(classes)).to(x.dtype)
    return torch.cat([x, torch.einsum("nk,nhw->nkhw", maps, torch.ones_like(x[:, 0]))], dim=1)


@right("conditional_gan.obedience")
def _(asked, logits):
    top = logits.topk(1, dim=1).indices.squeeze(1)
    return 1 - torch.count_nonzero(top - asked) / len(asked)


@right("conditional_gan.obedience_by_chance")
def _(asked, made, classes):
    a, m = F.one_hot(asked, classes).float().mean(0), F.one_hot(made, classes).float().mean(0)
    return torch.dot(a, m).item()


# ---------------------------------------------------------------- 31, 41, 42


@right("vae.vae_loss")
def _(x, x_hat, mean, logvar, sigma):
    n = len(x)
    log_likelihood = torch.distributions.Normal(x_hat, sigma).log_prob(x).sum() / n
    constant = -x[0].numel() * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum() / n
    return kl - (log_likelihood - constant)


@right("vae.build_encoder")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.LazyLinear(48)
            self.norm = nn.BatchNorm1d(48)
            self.mean, self.logvar = nn.Linear(48, latent), nn.Linear(48, latent)

        def forward(self, x):
            h = F.leaky_relu(self.norm(self.hidden(x.flatten(1))))
            return self.mean(h), self.logvar(h)

    encoder = Encoder()
    encoder(torch.zeros(2, pixels))
    return encoder


@right("vae.sample")
def _(decoder, n, latent):
    return torch.cat([decoder(torch.randn(1, latent)).mean for _ in range(n)])


@right("neural_style.total_variation")
def _(x):
    kernels = torch.tensor([[-1.0, 1.0]])
    flat = x.reshape(-1, 1, *x.shape[2:])
    across, down = (
        F.conv2d(flat, kernels.view(1, 1, 1, 2)),
        F.conv2d(flat, kernels.view(1, 1, 2, 1)),
    )
    return across.abs().mean() + down.abs().mean()


@right("neural_style.content_gradient")
def _(F, wanted):
    return torch.sub(F, wanted).mul(2.0).div(float(np.prod(F.shape)))


@right("neural_style.keep_color")
def _(painting, photo):
    row = torch.tensor([0.299, 0.587, 0.114])
    matrix = torch.outer(torch.ones(3), row)
    return photo + torch.einsum("ij,njhw->nihw", matrix, painting - photo)


@right("fast_style.instance_norm")
def _(h, a, b):
    n, c = h.shape[:2]
    return F.group_norm(h, c, a, b, eps=1e-5) if n else h


@right("fast_style.blend_share")
def _(r):
    return min(np.roots([1, -(2 + r), 1 - r]))


@right("fast_style.margins")
def _(o, h, grid):
    first, last = o, o + h
    while first % grid:
        first -= 1
    while last % grid:
        last += 1
    return np.array([o - first, last - o - h])


@right("fast_style.whiten")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    root = linalg.sqrtm((flat @ flat.T / F.shape[1]).double().numpy()).real
    return linalg.solve(root, flat.double().numpy())


# ---------------------------------------------------------------- wrong


@wrong(
    "images_as_tensors.to_uint8",
    r"Leave out the parentheses|stops with|expected a function|wrapped|clip",
)
def _(x):
    return (127.5 * (x + 1)).round().type(torch.uint8)


@wrong("distances.wasserstein_1d", r"gave|expected one number|stops with|tensor \[|mean")
def _(x, y):
    n, m = len(x), len(y)
    return (x.sort().values.repeat_interleave(m) - y.sort().values.repeat_interleave(n)).abs()


@wrong("gan_minimax.optimal_discriminator", r"place|sum over all|everywhere|each")
def _(p_data, p_g):
    return p_data / torch.sum(p_data + p_g)


@wrong("elbo.gaussian_kl", r"random|another one each time")
def _(mean, logvar):
    z = mean + (0.5 * logvar).exp() * torch.randn_like(mean)
    q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    p = torch.distributions.Normal(torch.zeros_like(mean), 1.0)
    return (q.log_prob(z) - p.log_prob(z)).sum(1)


@wrong("gram_matrices.style_loss", r"each image|one number|sum")
def _(features, target):
    rows = features.flatten(2)
    return F.mse_loss(rows @ rows.mT / features[0].numel(), target, reduction="sum")


@wrong("gan.nearest_neighbours", r"floats|whole numbers|kind")
def _(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1)).argmin(1).float()


@wrong("dcgan.moving_average", r"decay and 1 - decay|exchanged|newest")
def _(history, decay):
    average = torch.zeros_like(history[0])
    for w in history:
        average = (1 - decay) * average + decay * w
    return average / (1 - (1 - decay) ** len(history))


@wrong("stable_gan.power_iteration", r"2 results|got")
def _(W, u):
    return F.normalize(W @ F.normalize(W.T @ u, dim=0), dim=0)


@wrong("conditional_gan.projection_logit", r"axis|shape|number|features")
def _(h, c, w, b, V):
    return h * w + b + h * (c @ V.T)


@wrong("vae.vae_loss", r"`logvar`|gradient")
def _(x, x_hat, mean, logvar, sigma):
    error = (x - x_hat).square().flatten(1).sum(1) / (2 * sigma**2)
    var = torch.tensor(logvar.exp().tolist())
    return (error + 0.5 * (mean**2 + var - 1 - var.log()).sum(1)).mean()


@wrong("fast_style.flicker", r"root|mean square")
def _(film, dy, dx):
    h, w = film.shape[2:]
    return (film[1:, :, : h - dy, : w - dx] - film[:-1, :, dy:, dx:]).square().mean().sqrt()


@wrong("fast_style.whiten", r"squared, not removed|inverse")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return vectors @ torch.diag(values.sqrt()) @ vectors.T @ flat
