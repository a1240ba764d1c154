"""Answers of a third round, to all notebooks, written before any of them was tried."""

import functools
import math
import operator

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from answer_table import right, untold, wrong

# ---------------------------------------------------------------- right, each in a way of its own


@right("images_as_tensors.to_uint8")
def _(x):
    out = x.clone().clamp_(-1, 1)
    out.add_(1).mul_(127.5).round_()
    return out.byte()


@right("images_as_tensors.same_histograms")
def _(image):
    c, h, w = image.shape
    return image.reshape(c, h * w).flip(1).reshape(c, h, w).contiguous()


@right("convolution.receptive_field")
def _(stack):
    jumps = functools.reduce(lambda js, layer: [*js, js[-1] * layer[1]], stack, [1])
    return 1 + sum((h - 1) * d * j for (h, _, d), j in zip(stack, jumps, strict=False))


@right("distances.kl")
def _(p, q):
    log_ratio = torch.where(p == 0, 0.0, torch.log(p) - torch.log(q))
    return torch.einsum("...k,...k->...", p, log_ratio)


@right("distances.wasserstein_1d")
def _(x, y):
    levels = torch.linspace(0, 1, len(x) * len(y) + 1)
    mids = (levels[1:] + levels[:-1]) / 2
    return (
        x.quantile(mids, interpolation="nearest") - y.quantile(mids, interpolation="nearest")
    ).abs().mean() * 0 + (
        np.abs(np.repeat(np.sort(x.numpy()), len(y)) - np.repeat(np.sort(y.numpy()), len(x))).mean()
    )


@right("distances.sliced_wasserstein")
def _(x, y, directions):
    a, b = torch.einsum("nd,kd->kn", x, directions), torch.einsum("nd,kd->kn", y, directions)
    return (a.sort(dim=1).values - b.sort(dim=1).values).abs().mean(dim=1).mean()


@right("gan_minimax.optimal_discriminator")
def _(p_data, p_g):
    return (p_data.double() / (p_data + p_g)).numpy()


@right("elbo.reparameterize")
def _(mean, logvar, eps):
    return (
        torch.distributions.Normal(mean, logvar.mul(0.5).exp())
        .icdf(torch.distributions.Normal(torch.zeros_like(eps), 1.0).cdf(eps.double()))
        .float()
        * 0
        + mean
        + eps * logvar.exp() ** 0.5
    )


@right("gram_matrices.gram")
def _(features):
    n, c, h, w = features.shape
    out = torch.zeros(n, c, c)
    for i in range(c):
        for j in range(c):
            out[:, i, j] = (features[:, i] * features[:, j]).sum(dim=(1, 2)) / (c * h * w)
    return out


@right("gan.copied_share")
def _(samples, train, test):
    def nearest(x, others):
        difference = x.unsqueeze(1) - others.unsqueeze(0)
        return difference.reshape(len(x), len(others), -1).pow(2).sum(-1).amin(1)

    closer = nearest(samples, train).lt(nearest(samples, test))
    return closer.count_nonzero() / closer.numel()


@right("dcgan.moving_average")
def _(history, decay):
    average, share = 0.0, 0.0
    for w in history:
        average = decay * average + (1 - decay) * w
        share = decay * share + (1 - decay)
    return average / share


@right("stable_gan.power_iteration")
def _(W, u):
    W, u = W.numpy(), u.numpy()
    v = W.T @ u
    v /= np.linalg.norm(v)
    new = W @ v
    new /= np.linalg.norm(new)
    return new, new @ W @ v


@right("conditional_gan.conditional_batch_norm")
def _(x, gamma, beta, mean=None, var=None):
    if mean is None:
        var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
    scale = (1 + gamma) / torch.sqrt(var + 1e-5)
    shift = beta - scale * mean
    return x * scale[..., None, None] + shift[..., None, None]


@right("conditional_gan.projection_logit")
def _(h, c, w, b, V):
    return torch.linalg.vecdot(h, w + c @ V.T) + b


@right("vae.vae_loss")
def _(x, x_hat, mean, logvar, sigma):
    error = torch.linalg.vector_norm((x - x_hat).flatten(1), dim=1) ** 2 / 2 / sigma / sigma
    q = torch.distributions.Normal(mean, (logvar / 2).exp())
    p = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    return torch.mean(error) + torch.distributions.kl_divergence(q, p).sum(-1).mean()


@right("vae.interpolate")
def _(a, b, n):
    return torch.stack([a + k * (b - a) / (n - 1) for k in range(n)]).tolist()


@right("neural_style.masked_gram")
def _(F, mask):
    n, c, h, w = F.shape
    rows = F.reshape(n, c, h * w)
    weights = mask.reshape(1, 1, h * w)
    return torch.bmm(rows * weights, rows.transpose(1, 2)) / (c * weights.sum())


@right("fast_style.flicker")
def _(film, dy, dx):
    now, then = film[1:], film[:-1]
    return nn.MSELoss()(now[..., :-dy, :-dx], then[..., dy:, dx:])


# ---------------------------------------------------------------- wrong: 11 and 12


@wrong("images_as_tensors.image_bytes", r"8|bit")
def _(height, width, channels, bits):
    return height * width * channels * bits * 8


@wrong("images_as_tensors.to_uint8", r"[Cc]lip|wrap|beyond|outside")
def _(x):
    return (x * 127.5 + 127.5).round().to(torch.int32).to(torch.uint8)


@untold("images_as_tensors.luma", r"expected \[\[\[\[76\]\]\]\], got")
def _(images):
    r, g, b = images.unbind(1)
    return ((r * 299 + g * 587 + b * 114) // 1000)[:, None].to(torch.uint8)


@wrong("images_as_tensors.psnr", r"range|255")
def _(x, y):
    mse = ((x - y) ** 2).flatten(1).mean(1)
    return 20 * math.log10(255) - 10 * torch.log10(mse)


@wrong("images_as_tensors.psnr", r"stops with|torch's functions")
def _(x, y):
    mse = ((x - y) ** 2).flatten(1).mean(1)
    return 10 * math.log10(4 / mse)


@wrong("images_as_tensors.same_histograms", r"histogram")
def _(image):
    return image.flip(-1) // 2 * 2


@wrong("convolution.output_size", r"[Dd]ilation|`d`|d is not 1")
def _(H, h, s, p, d):
    return math.floor((H + 2 * p - h) / s) + 1


@wrong("convolution.output_size", r"round|whole|//")
def _(H, h, s, p, d):
    return (H + 2 * p - d * (h - 1) - 1) / s + 1


@wrong("convolution.same_padding", r"whole|fraction|half|middle")
def _(h, d):
    return d * h / 2 - 0.5


@wrong("convolution.convolve", r"backwards|flip|axis")
def _(x, k):
    out = torch.zeros(x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k.flip(1)).sum()
    return out


@wrong("convolution.conv_transpose", r"180|turned")
def _(y, k, s, p):
    return F.conv_transpose2d(y[None, None], k.flip(0, 1)[None, None], stride=s, padding=p)[0, 0]


# ---------------------------------------------------------------- wrong: 13 and 14


@wrong("distances.kl", r"sign|negative|minus")
def _(p, q):
    return torch.xlogy(p, q / p.clamp(min=1e-12)).sum(-1)


@untold("distances.kl", r"expected 0\.51083, got 0\.487")
def _(p, q):
    p, q = p + 1e-2, q + 1e-2
    return (p * (p / q).log()).sum(-1)


@wrong("distances.entropy_gaussian", r"half|twice|2 of 2 pi")
def _(sigma):
    return 0.5 * math.log(math.pi * math.e * sigma**2)


@wrong("distances.wasserstein_1d", r"same size|partner|length|as long as")
def _(x, y):
    return sum(
        abs(a - b) for a, b in zip(sorted(x.tolist()), sorted(y.tolist()), strict=False)
    ) / max(len(x), len(y))


@wrong("distances.kl_gaussians", r"exchanged|first|second")
def _(mu1, logvar1, mu2, logvar2):
    var1, var2 = logvar1.exp(), logvar2.exp()
    return 0.5 * (logvar1 - logvar2 + (var2 + (mu2 - mu1) ** 2) / var1 - 1)


@wrong("distances.kl_gaussians", r"stops with|\*\*")
def _(mu1, logvar1, mu2, logvar2):
    return 0.5 * (logvar2 - logvar1 + (logvar1.exp() + (mu1 - mu2) ^ 2) / logvar2.exp() - 1)


@wrong("distances.frechet_1d", r"variance|deviation|added|missing")
def _(x, y):
    return (x.mean() - y.mean()) ** 2 + x.var() + y.var()


@wrong("distances.sliced_wasserstein", r"number of points|points|n, axis|axis 0 of `[xy]`|1/n")
def _(x, y, directions):
    a, b = (x @ directions.T).sort(0).values, (y @ directions.T).sort(0).values
    return (a - b).abs().sum(0).mean()


@wrong("distances.sliced_wasserstein", r"gradient.*numpy|numpy.*gradient")
def _(x, y, directions):
    a = np.sort(x.detach().numpy() @ directions.numpy().T, axis=0)
    b = np.sort(y.detach().numpy() @ directions.numpy().T, axis=0)
    return torch.tensor(np.abs(a - b).mean())


@wrong("gan_minimax.losses_at_zero", r"bits|nats|natural")
def _():
    return 2, 1


@wrong("gan_minimax.optimal_discriminator", r"fakes|wrong way|exchanged|real")
def _(p_data, p_g):
    return 1 - p_data / (p_data + p_g)


@wrong("gan_minimax.d_loss", r"real|fake|label|only")
def _(real_logits, fake_logits):
    labels = torch.ones_like(real_logits)
    return F.binary_cross_entropy_with_logits(real_logits, labels)


@wrong("gan_minimax.d_loss", r"sign|V itself|minus")
def _(real_logits, fake_logits):
    return F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean()


@wrong("gan_minimax.g_loss", r"twice|sigmoid")
def _(fake_logits):
    D = torch.sigmoid(fake_logits)
    return F.binary_cross_entropy_with_logits(D, torch.ones_like(D))


@wrong("gan_minimax.extragradient_step", r"alternating|trial")
def _(V, u, v, h):
    u_ = torch.tensor(u, requires_grad=True)
    v_ = torch.tensor(v, requires_grad=True)
    (du,) = torch.autograd.grad(V(u_, v_), u_)
    u_new = (u_ - h * du).detach().requires_grad_()
    (dv,) = torch.autograd.grad(V(u_new, v_), v_)
    return u_new.item(), (v_ + h * dv).item()


# ---------------------------------------------------------------- wrong: 15 and 16


@wrong("elbo.hidden_sigma", r"2|root|factor")
def _(w):
    return math.sqrt(w)


@wrong("elbo.gaussian_kl", r"stops with|[Aa]xes|axis")
def _(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=2)


@wrong("elbo.gaussian_kl", r"prior|other way round|1 / |-logvar|-mean")
def _(mean, logvar):
    return 0.5 * (mean**2 / logvar.exp() + (-logvar).exp() - 1 + logvar).sum(1)


@wrong("elbo.reparameterize", r"both heads|shape|axis|cat")
def _(mean, logvar, eps):
    return torch.stack([mean, logvar])


@wrong("elbo.elbo", r"negative|sign|loss")
def _(log_p_x_given_z, kl):
    return -(log_p_x_given_z - kl)


@wrong("elbo.elbo", r"mean|each image|its own|kl")
def _(log_p_x_given_z, kl):
    return log_p_x_given_z - kl.mean()


@wrong("elbo.iwae_bound", r"infin|e\^-1000|extreme|logsumexp")
def _(log_w):
    w = torch.exp(log_w)
    return torch.log(w.sum(0) / w.shape[0])


@wrong("elbo.iwae_bound", r"K|divided|log")
def _(log_w):
    return torch.logsumexp(log_w / log_w.shape[0], dim=0)


@wrong("gram_matrices.constant_gram", r"squared|itself|a²")
def _(a, height, width):
    return a * height * width / (height * width)


@wrong("gram_matrices.gram", r"divided|C H W|times")
def _(features):
    return torch.einsum("nihw,njhw->nij", features, features)


@wrong("gram_matrices.gram", r"mixed|stops with|reshaped|view|channels|\[H W|shape")
def _(features):
    n, c, h, w = features.shape
    rows = features.reshape(n, h * w, c)
    return rows.mT @ rows / (c * h * w)


@wrong("gram_matrices.covariance_from_gram", r"sign|added")
def _(G, mu):
    return len(mu) * G + torch.ger(mu, mu)


@wrong("gram_matrices.style_loss", r"same|itself|0|does not depend")
def _(features, target):
    rows = features.flatten(2)
    target = rows @ rows.mT / features[0].numel()
    return (rows @ rows.mT / features[0].numel() - target).square().sum((1, 2))


@wrong("gram_matrices.adain", r"batch")
def _(content, style):
    m, s = content.mean((0, 2, 3), keepdim=True), content.std((0, 2, 3), keepdim=True)
    m2, s2 = style.mean((0, 2, 3), keepdim=True), style.std((0, 2, 3), keepdim=True)
    return m2 + s2 * (content - m) / s


# ---------------------------------------------------------------- wrong: 21 and 22


@wrong("gan.step_labels", r"shape|expected \d labels|\[n|got \[")
def _(n):
    return torch.ones(n, 1), torch.zeros(n, 1), torch.ones(n, 1)


@wrong("gan.d_step_loss", r"z itself|G has to|does not depend on `G`|stops with")
def _(D, G, real, z):
    return F.softplus(-D(real)).mean() + F.softplus(D(z)).mean()


@wrong("gan.d_step_loss", r"stops with|forward|callable")
def _(D, G, real, z):
    fake = G.generate(z).detach()
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


@wrong("gan.slerp", r"lengths?")
def _(a, b, t):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    w = torch.acos((a * b).sum(1, keepdim=True).clamp(-1, 1))
    arc = (torch.sin((1 - t) * w) * a + torch.sin(t * w) * b) / torch.sin(w)
    return torch.where(w < 1e-4, torch.lerp(a, b, t), arc)


@wrong("gan.nearest_neighbours", r"angle|cosine|product")
def _(samples, train):
    s, t = samples.flatten(1), train.flatten(1)
    return F.cosine_similarity(s[:, None], t[None], dim=2).argmax(1)


@wrong("gan.nearest_neighbours", r"farthest")
def _(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1)).argmax(1)


@wrong("dcgan.to_tanh_range", r"tanh itself|straight line|range")
def _(images):
    return torch.tanh(images.float() / 127.5 - 1)


@wrong("dcgan.stack_size", r"both sides|2p|padding")
def _(side, stack):
    for kind, k, s, p in stack:
        side = s * (side - 1) + k - p if kind == "up" else (side + p - k) // s + 1
    return side


@wrong("dcgan.generator_stack", r"stride 8|has stride|stride")
def _(start, size):
    factor = size // start
    return [(2 * factor, factor, factor // 2)]


@wrong("dcgan.half_life", r"1 / \(1 - decay\)|mean age|1/e")
def _(decay):
    return sum(decay**k for k in range(100_000)) if decay < 0.9999 else 1 / (1 - decay)


@wrong("dcgan.moving_average", r"ordinary mean|alike")
def _(history, decay):
    return sum(history) / len(history)


@wrong("dcgan.init_dcgan", r"Linear")
def _(net):
    for name, p in net.named_parameters():
        if p.dim() > 1:
            nn.init.normal_(p, 0, 0.02)
        elif name == "0.2.weight":
            nn.init.normal_(p, 1, 0.02)
        elif name == "0.2.bias":
            nn.init.zeros_(p)
    return net


@wrong("dcgan.set_coordinate", r"target.*not put on|`target`|taken off")
def _(z, direction, target):
    u = direction / direction.norm()
    return z - (z @ u)[:, None] * u


# ---------------------------------------------------------------- wrong: 23 and 24


@wrong("stable_gan.combinations_covered", r"count|share|times")
def _(factors, sizes):
    return len({tuple(map(int, row)) for row in factors})


@wrong("stable_gan.combinations_covered", r"rounded|whole|0")
def _(factors, sizes):
    return len(torch.unique(factors, dim=0)) // functools.reduce(operator.mul, sizes)


@wrong("stable_gan.hinge_losses", r"generator|margin|second")
def _(real_logits, fake_logits):
    d = F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    return d, F.relu(1 - fake_logits).mean()


@wrong("stable_gan.relativistic_d_loss", r"average|mean of the others")
def _(real_logits, fake_logits):
    return F.softplus(-(real_logits - fake_logits.mean())).mean()


@wrong("stable_gan.power_iteration", r"exact|estimate|second")
def _(W, u):
    v = F.normalize(W.T @ u, dim=0)
    return F.normalize(W @ v, dim=0), torch.linalg.svdvals(W)[0]


@wrong("stable_gan.influence", r"by itself|diagonal|batch")
def _(critic, x):
    out = torch.zeros(len(x), len(x))
    for i in range(len(x)):
        one = x[i : i + 1].clone().requires_grad_()
        (g,) = torch.autograd.grad(critic(one).sum(), one)
        out[i, i] = g.norm()
    return out


@wrong("stable_gan.r1_penalty", r"1|gradient penalty|pulls")
def _(critic, real):
    x = real.detach().clone().requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return (g.flatten(1).norm(dim=1) - 1).square().mean()


@wrong("stable_gan.r1_penalty", r"stops with.*requires? grad|requires_grad")
def _(critic, real):
    g = torch.autograd.grad(critic(real).sum(), real, create_graph=True)[0]
    return g.flatten(1).square().sum(1).mean()


@wrong("stable_gan.gradient_penalty", r"pixels|on the line|alpha")
def _(critic, real, fake):
    a = torch.rand_like(real)
    x = (a * real + (1 - a) * fake).requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return (torch.linalg.vector_norm(g.flatten(1), dim=1) - 1).square().mean()


@wrong("stable_gan.gradient_penalty", r"channels only|whole gradient|flatten")
def _(critic, real, fake):
    a = torch.rand(len(real), *[1] * (real.dim() - 1))
    x = (a * real + (1 - a) * fake).requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return (torch.linalg.vector_norm(g, dim=1) - 1).square().mean()


@wrong("conditional_gan.latent_with_label", r"numbers|added|beside|shape|stops")
def _(z, labels, classes):
    return (
        z
        + nn.functional.pad(F.one_hot(labels, classes).float(), (0, max(0, z.shape[1] - classes)))[
            :, : z.shape[1]
        ]
    )


@wrong("conditional_gan.image_with_label", r"pixel|fill|expand|entries")
def _(x, labels, classes):
    maps = torch.zeros(len(x), classes, *x.shape[2:])
    maps[torch.arange(len(x)), labels, 0, 0] = 1
    return torch.cat([x, maps], 1)


@wrong("conditional_gan.conditional_batch_norm", r"beta|multiplies|shifted")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, mean, var, training=mean is None)
    return (y + beta[..., None, None]) * (1 + gamma[..., None, None])


@wrong("conditional_gan.conditional_batch_norm", r"ε|1e-5|epsilon")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, mean, var, training=mean is None, eps=1e-3)
    return y * (1 + gamma[..., None, None]) + beta[..., None, None]


@wrong("conditional_gan.projection_logit", r"w \. h|only the projection|missing|without `h @ w")
def _(h, c, w, b, V):
    return torch.einsum("nf,fk,nk->n", h, V, c) + b


@wrong("conditional_gan.obedience", r"probabilit|largest logit")
def _(asked, logits):
    return F.softmax(logits, 1)[torch.arange(len(asked)), asked].mean()


@wrong("conditional_gan.obedience_by_chance", r"obedience itself|somebody else")
def _(asked, made, classes):
    return (asked == made).float().mean()


@wrong("conditional_gan.obedience_by_chance", r"averaged|mean|classes|sum")
def _(asked, made, classes):
    return torch.stack(
        [(asked == k).float().mean() * (made == k).float().mean() for k in range(classes)]
    ).mean()


# ---------------------------------------------------------------- wrong: 31, 41, 42


@wrong("vae.bits_per_dim", r"whole image|each|pixels")
def _(nats, pixels):
    return nats / math.log(2)


@wrong("vae.vae_loss", r"half|KL|2 of 2")
def _(x, x_hat, mean, logvar, sigma):
    error = (x - x_hat).square().flatten(1).sum(1) / (2 * sigma**2)
    kl = (mean**2 + logvar.exp() - 1 - logvar).sum(1)
    return (error + kl).mean()


@wrong("vae.vae_loss", r"`?sigma`?")
def _(x, x_hat, mean, logvar, sigma):
    error = (x - x_hat).square().flatten(1).sum(1) / (2 * sigma)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)
    return (error + kl).mean()


@wrong("vae.build_encoder", r"the same numbers|weights of their own")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.Flatten(), nn.Linear(pixels, 64), nn.ReLU(), nn.Linear(64, latent)
            )

        def forward(self, x):
            return self.net(x), self.net(x)

    return Encoder()


@wrong("vae.sample", r"shape|\[4000, 1, 1, 6\]|images")
def _(decoder, n, latent):
    return decoder(torch.randn(1, n, latent)).mean[0]


@wrong("vae.interpolate", r"ends")
def _(a, b, n):
    w = torch.linspace(0, 1, n + 2)[1:-1, None]
    return a + w * (b - a)


@wrong("neural_style.total_variation", r"below|downwards|only neighbours")
def _(x):
    return (
        2 * (x[..., 1:] - x[..., :-1]).abs().mean()
        if x.shape[0] > 5
        else (x[..., 1:] - x[..., :-1]).abs().mean()
    )


@wrong("neural_style.content_gradient", r"loss|shape|one number")
def _(F, wanted):
    return ((F - wanted) ** 2).mean()


@wrong("neural_style.keep_color", r"photograph's lightness|not taken off|minus|subtract")
def _(painting, photo):
    w = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return photo + (w * painting).sum(1, keepdim=True)


@wrong("fast_style.instance_norm", r"variance|root")
def _(h, a, b):
    var, mean = torch.var_mean(h, (2, 3), keepdim=True, correction=0)
    return a[:, None, None] * (h - mean) / (var + 1e-5) + b[:, None, None]


@wrong("fast_style.blend_share", r"new|1 - rho|1 minus")
def _(r):
    return 1 - ((2 + r) - math.sqrt((2 + r) ** 2 - 4 * (1 - r))) / 2


@wrong("fast_style.flicker", r"exchanged|rows and columns")
def _(film, dy, dx):
    h, w = film.shape[2:]
    return (film[1:, :, : h - dx, : w - dy] - film[:-1, :, dx:, dy:]).square().mean()


@wrong("fast_style.margins", r"o \+ h|own|ends at")
def _(o, h, grid):
    return o % grid, (grid - h % grid) % grid


@wrong("fast_style.whiten", r"deviation|together")
def _(F):
    return (F - F.mean(1, keepdim=True)) / F.std(1, keepdim=True, correction=0)


@untold("fast_style.whiten", r"10 of 10 entries differ")
def _(F):
    flat = F - F.mean()
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ flat
