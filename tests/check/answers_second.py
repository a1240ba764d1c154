"""Answers of a second round, to all notebooks, written before any of them was tried."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from answer_table import right, untold, wrong

# ---------------------------------------------------------------- 11


@right("images_as_tensors.image_bytes")
def _(height, width, channels, bits):
    total = 0
    for _ in range(channels):
        total += height * width * bits
    return divmod(total, 8)[0]


@untold("images_as_tensors.image_bytes", r"height=3, width=2.*expected 3, got 2")
def _(height, width, channels, bits):
    return (height + width) * channels * bits // 8


@wrong("images_as_tensors.image_bytes", "multiple of 8|whole")
def _(height, width, channels, bits):
    return height * width * channels * math.ceil(bits / 8)


@wrong("images_as_tensors.to_uint8", r"in place of `round`")
def _(x):
    return (127.5 * (x.clamp(-1, 1) + 1)).ceil().to(torch.uint8)


@wrong("images_as_tensors.to_uint8", r"shape|axis|any shape|4|stops with")
def _(x):
    n, c, h, w = x.shape
    return (127.5 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8).view(n, c, h, w)


@wrong("images_as_tensors.luma", r"weight|sum|0\.3|nearly|0\.299")
def _(images):
    w = torch.tensor([0.3, 0.6, 0.1]).view(3, 1, 1)
    return (images * w).sum(1, keepdim=True).round().to(torch.uint8)


@wrong("images_as_tensors.luma", "three equal channels|one is wanted|axis|shape")
def _(images):
    w = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    grey = (images * w).sum(1, keepdim=True).round().to(torch.uint8)
    return grey.repeat(1, 3, 1, 1)


@right("images_as_tensors.luma")
def _(images):
    grey = (
        299 * images[:, 0].int() + 587 * images[:, 1].int() + 114 * images[:, 2].int() + 500
    ) // 1000
    return grey[:, None].to(torch.uint8)


@wrong("images_as_tensors.psnr", r"sign|upside down|plus|log10 of|minus")
def _(x, y):
    mse = (x - y).square().mean((1, 2, 3))
    return 10 * torch.log10(mse) - 20 * math.log10(2)


@wrong("images_as_tensors.psnr", r"6\.0|range|plus|\b1\b")
def _(x, y):
    x, y = (x + 1) / 2, (y + 1) / 2
    return 10 * torch.log10(4 / (x - y).square().mean((1, 2, 3)))


@untold("images_as_tensors.psnr", r"expected \[15\.05\], got \[18\.06\]")
def _(x, y):
    return 20 * torch.log10(2 / (x - y).abs().mean((1, 2, 3)))


@right("images_as_tensors.psnr")
def _(x, y):
    from skimage.metrics import peak_signal_noise_ratio

    return [
        peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=2)
        for a, b in zip(x, y, strict=True)
    ]


# ---------------------------------------------------------------- 12


@right("convolution.same_padding")
def _(h, d):
    span = d * (h - 1) + 1
    return (span - 1) / 2


@wrong("convolution.same_padding", r"d|middle|span")
def _(h, d):
    return d * (h // 2) + (d - 1)


@wrong("convolution.convolve", r"180|turned|flip|backwards")
def _(x, k):
    return F.conv2d(x[None, None], k[None, None])[0, 0].flip(0, 1)


@wrong("convolution.convolve", r"shape|padding|padded")
def _(x, k):
    return F.conv2d(x[None, None], k.flip(0, 1)[None, None], padding="same")[0, 0]


@wrong("convolution.receptive_field", r"stride|place 1|jump|last")
def _(stack):
    r = 1
    for k, (h, _, d) in enumerate(stack):
        r += (h - 1) * d * (stack[k - 1][1] if k else 1)
    return r


@wrong("convolution.receptive_field", r"stack.*list|changes the")
def _(stack):
    r = 1
    while stack:
        h, s, d = stack.pop()
        r = (r - 1) * s + (h - 1) * d + 1
    return r


@wrong("convolution.conv_transpose", r"padding|cut|p is")
def _(y, k, s, p):
    H, W = y.shape
    h, w = k.shape
    out = torch.zeros(s * (H - 1) + h, s * (W - 1) + w)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] += y[i, j] * k
    return out


@untold("convolution.conv_transpose", r"s=2.*It is right on.*s=1")
def _(y, k, s, p):
    H, W = y.shape
    h, w = k.shape
    out = torch.zeros(s * (H - 1) + h, s * (W - 1) + w)
    for i in range(H):
        for j in range(W):
            out[i : i + h, j : j + w] += y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


@wrong("convolution.upsample", r"flat|level|ramp")
def _(x):
    out = torch.zeros(16, 16)
    out[::2, ::2] = x
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    return F.conv2d(out[None, None], kernel[None, None], padding=1)[0, 0]


# ---------------------------------------------------------------- 13


@wrong("distances.kl", r"nan|NaN|0 log 0|partly 0")
def _(p, q):
    total = torch.zeros(p.shape[:-1])
    for k in range(p.shape[-1]):
        total += p[..., k] * torch.log(p[..., k] / q[..., k])
    return total


@wrong("distances.kl", r"axis|dim|last|stops with|shape")
def _(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1)


@untold("distances.kl", r"expected 0\.51083, got 1\.0986")
def _(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).abs().sum(dim=-1)


@wrong("distances.entropy_gaussian", r"plus 0\.5|the half of it is 1/2")
def _(sigma):
    return 0.5 * math.log(2 * math.pi * sigma**2) + 1


@right("distances.entropy_gaussian")
def _(sigma):
    return torch.tensor(sigma).log() + 0.5 * math.log(2 * math.pi) + 0.5


@wrong("distances.wasserstein_1d", r"root|square|W2")
def _(x, y):
    a, b = x.sort().values.repeat_interleave(len(y)), y.sort().values.repeat_interleave(len(x))
    return ((a - b) ** 2).mean().sqrt()


@wrong("distances.wasserstein_1d", r"nearest|partner|pairs|order|not sorted")
def _(x, y):
    return torch.cdist(x[:, None], y[:, None]).min(1).values.mean()


@right("distances.wasserstein_1d")
def _(x, y):
    q = torch.arange(0.5, 60) / 60
    n, m = len(x), len(y)
    if 60 % n or 60 % m:
        a, b = np.repeat(np.sort(x), m), np.repeat(np.sort(y), n)
        return np.abs(a - b).mean()
    return (x.sort().values[(q * n).long()] - y.sort().values[(q * m).long()]).abs().mean()


@wrong("distances.kl_gaussians", r"half|twice|0\.5|counts? twice")
def _(mu1, logvar1, mu2, logvar2):
    return (
        logvar2 - logvar1 + 0.5 * ((logvar1 - logvar2).exp() + (mu1 - mu2) ** 2 / logvar2.exp() - 1)
    )


@wrong("distances.frechet_1d", r"deviation|std|spread|root")
def _(x, y):
    return (x.mean() - y.mean()) ** 2 + (x.var() - y.var()).abs()


@wrong("distances.sliced_wasserstein", r"first|all of them|only|does not depend|directions")
def _(x, y, directions):
    for u in directions:
        total = ((x @ u).sort().values - (y @ u).sort().values).abs().mean()
    return total


# ---------------------------------------------------------------- 14


@wrong("gan_minimax.losses_at_zero", r"sign|positive|generator|second|minimax")
def _():
    return 2 * math.log(2), math.log(0.5)


@wrong("gan_minimax.optimal_discriminator", r"exponential|sigmoid|logarithm|softmax|densities")
def _(p_data, p_g):
    return torch.softmax(torch.stack([p_data, p_g]), 0)[0]


@wrong("gan_minimax.d_loss", r"mean|each|part|`fake_logits`|as long as|sum")
def _(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).sum()


@wrong("gan_minimax.d_loss", r"mean before|before|mean of|each")
def _(real_logits, fake_logits):
    return F.softplus(-real_logits.mean()) + F.softplus(fake_logits.mean())


@right("gan_minimax.d_loss")
def _(real_logits, fake_logits):
    zero = torch.zeros(())
    return torch.logaddexp(zero, -real_logits).mean() + torch.logaddexp(zero, fake_logits).mean()


@wrong("gan_minimax.g_loss", r"±10⁴|cut off|extreme")
def _(fake_logits):
    return -torch.log(torch.sigmoid(fake_logits).clamp(min=1e-7)).mean()


@wrong("gan_minimax.extragradient_step", r"half|whole")
def _(V, u, v, h):
    def grads(u, v):
        u, v = torch.tensor(u, requires_grad=True), torch.tensor(v, requires_grad=True)
        return [g.item() for g in torch.autograd.grad(V(u, v), [u, v])]

    du, dv = grads(u, v)
    du, dv = grads(u - 0.5 * h * du, v + 0.5 * h * dv)
    return u - h * du, v + h * dv


@wrong("gan_minimax.extragradient_step", r"second|downhill|v wants|goes up|before `h \* dv`")
def _(V, u, v, h):
    def grads(u, v):
        u, v = torch.tensor(u, requires_grad=True), torch.tensor(v, requires_grad=True)
        return [g.item() for g in torch.autograd.grad(V(u, v), [u, v])]

    du, dv = grads(u, v)
    du, dv = grads(u - h * du, v + h * dv)
    return u - h * du, v - h * dv


# ---------------------------------------------------------------- 15


@wrong("elbo.hidden_sigma", r"half|root|times")
def _(w):
    return math.sqrt(w) / 2


@wrong("elbo.gaussian_kl", r"mean|squared")
def _(mean, logvar):
    return 0.5 * (mean.abs() + logvar.exp() - 1 - logvar).sum(1)


@wrong("elbo.gaussian_kl", r"-1|minus 1|plus|number of latents|axis 1")
def _(mean, logvar):
    return 0.5 * ((mean**2 + logvar.exp() - logvar).sum(1) - 1)


@wrong("elbo.gaussian_kl", r"cut|clamp|beyond|free|logvar")
def _(mean, logvar):
    logvar = logvar.clamp(-1, 1)
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)


@wrong("elbo.reparameterize", r"eps|one|batch|row|each")
def _(mean, logvar, eps):
    return mean + torch.exp(0.5 * logvar) * eps[:1]


@wrong("elbo.reparameterize", r"absolute|sign|below 0|eps")
def _(mean, logvar, eps):
    return mean + torch.exp(0.5 * logvar) * eps.abs()


@wrong("elbo.elbo", r"half|0\.5|beta|kl")
def _(log_p_x_given_z, kl):
    return log_p_x_given_z - 0.5 * kl


@wrong("elbo.iwae_bound", r"log K|sum|mean|logarithm of the length of axis 0")
def _(log_w):
    return torch.logsumexp(log_w, 0)


@wrong("elbo.iwae_bound", r"N|axis 1|samples|first axis|log K")
def _(log_w):
    return torch.logsumexp(log_w, 0) - math.log(log_w.shape[-1])


@right("elbo.iwae_bound")
def _(log_w):
    out = []
    for column in log_w.T.tolist():
        top = max(column)
        out.append(top + math.log(sum(math.exp(v - top) for v in column) / len(column)))
    return out


# ---------------------------------------------------------------- 16


@wrong("gram_matrices.constant_gram", r"sign|absolute|square")
def _(a, height, width):
    return a * abs(a)


@wrong("gram_matrices.gram", r"square|H W|H and W|height|width|shape\[2\]")
def _(features):
    n, c, h, w = features.shape
    rows = features.reshape(n, c, h * w)
    return rows @ rows.mT / (c * h * h)


@wrong("gram_matrices.gram", r"means were taken|covariance")
def _(features):
    rows = features.flatten(2)
    rows = rows - rows.mean(-1, keepdim=True)
    return torch.bmm(rows, rows.mT) / rows[0].numel()


@wrong("gram_matrices.covariance_from_gram", r"outer|one number|mu @ mu|everywhere")
def _(G, mu):
    return len(mu) * G - (mu**2).sum()


@wrong("gram_matrices.style_loss", r"one axis|axis|sum")
def _(features, target):
    rows = features.flatten(2)
    G = rows @ rows.mT / features[0].numel()
    return (G - target).square().sum(-1)


@wrong("gram_matrices.style_loss", r"half|four times|quarter|0\.25")
def _(features, target):
    rows = features.flatten(2)
    G = rows @ rows.mT / features[0].numel()
    return (G - target).square().sum((1, 2)) / 4


@wrong("gram_matrices.adain", r"mean|content|put back|style's")
def _(content, style):
    m, s = content.mean((2, 3), keepdim=True), content.std((2, 3), keepdim=True)
    return m + style.std((2, 3), keepdim=True) * (content - m) / s


# ---------------------------------------------------------------- 21


@wrong("gan.steps_in_epoch", r"left over|multiple|plus 1|rounded up|dropped")
def _(images, batch):
    return images // batch + 1


@wrong("gan.step_labels", r"all alike|label|real")
def _(n):
    real = torch.ones(n)
    real[0] = 0
    return real, torch.zeros(n), torch.ones(n)


@wrong("gan.lowest_with_sigmoid", r"half|1/2|sum|cannot tell|part")
def _():
    return math.log(2)


@wrong("gan.d_step_loss", r"`D`|gradient|no_grad")
def _(D, G, real, z):
    with torch.no_grad():
        fake_logits = D(G(z))
    return F.softplus(-D(real)).mean() + F.softplus(fake_logits).mean()


@wrong("gan.d_step_loss", r"mode|evaluation")
def _(D, G, real, z):
    G.eval()
    with torch.no_grad():
        fake = G(z)
    return F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()


@wrong("gan.d_step_loss", r"sigmoid|twice|1\.006")
def _(D, G, real, z):
    fake = G(z).detach()
    p, q = torch.sigmoid(D(real)), torch.sigmoid(D(fake))
    ones, zeros = torch.ones_like(p), torch.zeros_like(q)
    return F.binary_cross_entropy_with_logits(p, ones) + F.binary_cross_entropy_with_logits(
        q, zeros
    )


@untold("gan.slerp", r"expected \[\[0\.7071, 1\.414\]\], got")
def _(a, b, t):
    cos = F.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    omega = torch.rad2deg(torch.acos(cos))
    arc = (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)
    return torch.where(omega < 1e-4, torch.lerp(a, b, t), arc)


@wrong("gan.slerp", r"from b to a|exchanged|first")
def _(a, b, t):
    cos = F.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    omega = torch.acos(cos)
    arc = (torch.sin(t * omega) * a + torch.sin((1 - t) * omega) * b) / torch.sin(omega)
    return torch.where(omega < 1e-4, torch.lerp(b, a, t), arc)


@wrong("gan.nearest_neighbours", r"absolute|Euclidean|p=1")
def _(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1), p=1).argmin(1)


@wrong("gan.copied_share", r"samples|each sample|one answer|mean|shape|one number")
def _(samples, train, test):
    near = torch.cdist(samples.flatten(1), train.flatten(1)).min(1).values
    far = torch.cdist(samples.flatten(1), test.flatten(1)).min(1).values
    return (near < far).float()


# ---------------------------------------------------------------- 22


@wrong("dcgan.to_tanh_range", r"whole numbers|//|rounded")
def _(images):
    return (images.int() * 2 - 255) // 255


@wrong("dcgan.to_tanh_range", r"upside down|sign")
def _(images):
    return 1 - images.float() / 127.5


@wrong("dcgan.stack_size", r"kind|conv|up|exchanged")
def _(side, stack):
    for kind, k, s, p in stack:
        side = (side + 2 * p - k) // s + 1 if kind == "up" else s * (side - 1) + k - 2 * p
    return side


@wrong("dcgan.stack_size", r"last layer|only the last|first side|length of `stack`")
def _(side, stack):
    for kind, k, s, p in stack:
        out = s * (side - 1) + k - 2 * p if kind == "up" else (side + 2 * p - k) // s + 1
    return out


@wrong("dcgan.generator_stack", r"stride")
def _(start, size):
    return [(4, 1, 2)] * int(math.log2(size / start))


@wrong("dcgan.half_life", r"log 2|natural|decayⁿ|wrong way up|times")
def _(decay):
    return math.log2(2) / -math.log(decay)


@wrong("dcgan.moving_average", r"n - 1|n \+ 1|power")
def _(history, decay):
    average = torch.zeros_like(history[0])
    for w in history:
        average = decay * average + (1 - decay) * w
    return average / (1 - decay ** (len(history) + 1))


@wrong("dcgan.moving_average", r"backwards|end to the beginning|last")
def _(history, decay):
    n = len(history)
    weights = decay ** torch.arange(n).float()
    return torch.tensordot(weights / weights.sum(), history, dims=1)


@wrong("dcgan.init_dcgan", r"shifts are not 0|shift")
def _(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1.0, 0.02)
    return net


@wrong("dcgan.init_dcgan", r"mean 0\.0|mean|expected 0")
def _(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.02, 0.02)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1.0, 0.02)
            nn.init.zeros_(m.bias)
    return net


@wrong("dcgan.attribute_direction", r"sums, not means")
def _(latents, has):
    signs = torch.where(has, 1.0, -1.0)
    return (signs[:, None] * latents).mean(0)


@wrong("dcgan.set_coordinate", r"mean|one distance|each latent|batch")
def _(z, direction, target):
    u = direction / direction.norm()
    return z + (target - (z @ u).mean()) * u


# ---------------------------------------------------------------- 23


@wrong("stable_gan.combinations_covered", r"added|become the same|codes|sum")
def _(factors, sizes):
    return len(torch.unique(factors.sum(1))) / math.prod(sizes)


@wrong("stable_gan.combinations_covered", r"come|values|sizes|possible|number of values|largest")
def _(factors, sizes):
    possible = math.prod(int(v) + 1 for v in factors.max(0).values)
    return len(torch.unique(factors, dim=0)) / possible


@wrong("stable_gan.hinge_losses", r"second|generator|half|first one is right")
def _(real_logits, fake_logits):
    return F.relu(1 - real_logits).mean() + F.relu(
        1 + fake_logits
    ).mean(), -0.5 * fake_logits.mean()


@wrong("stable_gan.hinge_losses", r"half|0\.5")
def _(real_logits, fake_logits):
    return 0.5 * (
        F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    ), -fake_logits.mean()


@wrong("stable_gan.relativistic_d_loss", r"pair|\[N, N\]|every")
def _(real_logits, fake_logits):
    return F.softplus(fake_logits.reshape(-1, 1) - real_logits.reshape(1, -1)).mean()


@wrong("stable_gan.power_iteration", r"normalised|length|twice|second|sigma")
def _(W, u):
    v = W.T @ u
    u = F.normalize(W @ v, dim=0)
    return u, u @ (W @ v)


@wrong("stable_gan.influence", r"squared|square")
def _(critic, x):
    J = torch.autograd.functional.jacobian(critic, x)
    return (J.flatten(2) ** 2).sum(-1)


@wrong("stable_gan.r1_penalty", r"half|1/2")
def _(critic, real):
    x = real.detach().clone().requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return 0.5 * g.flatten(1).square().sum(1).mean()


@wrong("stable_gan.r1_penalty", r"one number|mean|each image")
def _(critic, real):
    x = real.detach().clone().requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return g.flatten(1).square().sum(1)


@wrong("stable_gan.gradient_penalty", r"whole batch|one alpha|each image")
def _(critic, real, fake):
    a = torch.rand(1)
    x = (a * real + (1 - a) * fake).requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return (torch.linalg.vector_norm(g.flatten(1), dim=1) - 1).square().mean()


@wrong("stable_gan.gradient_penalty", r"R1|1 is missing")
def _(critic, real, fake):
    a = torch.rand(len(real), *[1] * (real.dim() - 1))
    x = (a * real + (1 - a) * fake).requires_grad_()
    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    return g.flatten(1).square().sum(1).mean()


# ---------------------------------------------------------------- 24


@wrong("conditional_gan.latent_with_label", r"one-hot|then come 1, where \d+ belong")
def _(z, labels, classes):
    return torch.cat([z, labels.unsqueeze(1) / classes], dim=1)


@wrong("conditional_gan.image_with_label", r"before|behind|order")
def _(x, labels, classes):
    maps = F.one_hot(labels, classes).float()[:, :, None, None].expand(-1, -1, *x.shape[-2:])
    return torch.cat([maps, x], 1)


@wrong("conditional_gan.conditional_batch_norm", r"instance norm|each image|itself")
def _(x, gamma, beta, mean=None, var=None):
    if mean is None:
        y = F.instance_norm(x)
    else:
        y = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
    return y * (1 + gamma[..., None, None]) + beta[..., None, None]


@wrong("conditional_gan.conditional_batch_norm", r"beta|shift")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, mean, var, training=mean is None)
    return y * (1 + gamma[..., None, None]) - beta[..., None, None]


@wrong("conditional_gan.projection_logit", r"averaged|mean|sums|number of features|axis 1")
def _(h, c, w, b, V):
    return h @ w + b + ((c @ V.T) * h).mean(1)


@wrong("conditional_gan.obedience", r"K|classes|axis|dim=1|row")
def _(asked, logits):
    return (logits.argmax(0) == asked[: logits.shape[1]]).float().mean()


@wrong("conditional_gan.obedience_by_chance", r"asked|made")
def _(asked, made, classes):
    share = torch.bincount(made, minlength=classes) / len(made)
    return (share**2).sum()


# ---------------------------------------------------------------- 31


@wrong("vae.bits_per_dim", r"log 2|bits|nats")
def _(nats, pixels):
    return nats * math.log(2) / pixels


@wrong("vae.vae_loss", r"sigma|minus|log|constant|plus")
def _(x, x_hat, mean, logvar, sigma):
    error = (x - x_hat).square().flatten(1).sum(1) / (2 * sigma**2) + math.log(sigma)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)
    return (error + kl).mean()


@wrong("vae.vae_loss", r"gradient.*`x_hat`|`x_hat`.*gradient|detach")
def _(x, x_hat, mean, logvar, sigma):
    error = (x - x_hat.detach()).square().flatten(1).sum(1) / (2 * sigma**2)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)
    return (error + kl).mean()


@wrong("vae.build_encoder", r"linear|hidden|activation")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 64))
            self.heads = nn.Linear(64, 2 * latent)

        def forward(self, x):
            return self.heads(self.body(x)).chunk(2, dim=1)

    return Encoder()


@wrong("vae.build_encoder", r"forward")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(pixels, 2 * latent)

        def encode(self, x):
            return self.net(x.flatten(1)).chunk(2, dim=1)

    return Encoder()


@wrong("vae.sample", r"all images|one z|each")
def _(decoder, n, latent):
    z = torch.randn(latent)
    return decoder(z.repeat(n, 1)).mean


@wrong("vae.sample", r"deviation|1\.4|prior")
def _(decoder, n, latent):
    return decoder(torch.randn(n, latent) + torch.randn(n, latent)).mean


@wrong("vae.interpolate", r"columns|row|transpose|\[n, d\]")
def _(a, b, n):
    w = torch.linspace(0, 1, n)
    return a[:, None] + (b - a)[:, None] * w


# ---------------------------------------------------------------- 41 and 42


@wrong("neural_style.total_variation", r"half|mean of the two")
def _(x):
    return torch.stack([x.diff(dim=3).abs().mean(), x.diff(dim=2).abs().mean()]).mean()


@wrong("neural_style.total_variation", r"each picture|one number|sum|N, axis 0")
def _(x):
    return sum(p.diff(dim=-1).abs().mean() + p.diff(dim=-2).abs().mean() for p in x)


@wrong("neural_style.content_gradient", r"sign|towards|away")
def _(F, wanted):
    return -2 * (F - wanted) / F.numel()


@wrong("neural_style.masked_gram", r"0 and 1|mask was made|threshold")
def _(F, mask):
    kept = F * (mask > 0.5)
    rows = kept.flatten(2)
    return rows @ rows.mT / (F.shape[1] * (mask > 0.5).sum())


@wrong("neural_style.masked_gram", r"C is missing|times C|`F`|axis 1")
def _(F, mask):
    rows = (F * mask.sqrt()).flatten(2)
    return rows @ rows.mT / mask.sum()


@wrong("neural_style.keep_color", r"clipp|cut off|beyond")
def _(painting, photo):
    w = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    out = photo + (w * (painting - photo)).sum(1, keepdim=True)
    return out.clip(-1, 1)


@wrong("fast_style.instance_norm", r"a \+ 1|1 \+ a|scale")
def _(h, a, b):
    return (1 + a[:, None, None]) * F.instance_norm(h) + b[:, None, None]


@wrong("fast_style.instance_norm", r"axes|\[C\]|run along W|size")
def _(h, a, b):
    return a * F.instance_norm(h) + b


@wrong("fast_style.blend_share", r"error of its own|root|\(1 - rho\)")
def _(r):
    return 1 - math.sqrt(r)


@wrong("fast_style.flicker", r"dx|columns|rows|does not depend|exchanged|motion")
def _(film, dy, dx):
    h, w = film.shape[2:]
    return (film[1:, :, : h - dy, : w - dy] - film[:-1, :, dy:, dy:]).square().mean()


@wrong("fast_style.flicker", r"pairs|first|all")
def _(film, dy, dx):
    h, w = film.shape[2:]
    return (film[1, :, : h - dy, : w - dx] - film[0, :, dy:, dx:]).square().mean()


@wrong("fast_style.margins", r"second|below|whole block|ends at")
def _(o, h, grid):
    return o % grid, grid - ((o + h) % grid or 0)


@wrong("fast_style.whiten", r"mean")
def _(F):
    values, vectors = torch.linalg.eigh(torch.cov(F, correction=0))
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ F


@wrong("fast_style.whiten", r"root|inverse")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    return torch.linalg.inv(flat @ flat.T / F.shape[1]) @ flat


@right("fast_style.whiten")
def _(F):
    from scipy.linalg import fractional_matrix_power

    flat = (F - F.mean(1, keepdim=True)).double().numpy()
    return fractional_matrix_power(flat @ flat.T / flat.shape[1], -0.5) @ flat
