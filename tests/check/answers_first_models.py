"""Answers of a first round to notebooks 21 to 42, written before any of them was tried."""

import itertools
import math
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 21, the first GAN


@right("gan.steps_in_epoch")
def _(images, batch):
    return math.floor(images / batch)


@right("gan.steps_in_epoch")
def _(images, batch):
    return (images - images % batch) / batch


@wrong("gan.steps_in_epoch", "rounded up|dropped")
def _(images, batch):
    return math.ceil(images / batch)


@wrong("gan.steps_in_epoch", "whole number")
def _(images, batch):
    return images / batch


@right("gan.step_labels")
def _(n):
    return [np.ones(n), np.zeros(n), np.ones(n)]


@right("gan.step_labels")
def _(n):
    real = torch.full((n,), 1.0)
    return real, torch.zeros_like(real), real.clone()


@wrong("gan.step_labels", "floats|whole numbers")
def _(n):
    return torch.full((n,), 1), torch.full((n,), 0), torch.full((n,), 1)


@wrong("gan.step_labels", r"0\.9|label")
def _(n):
    return torch.full((n,), 0.9), torch.zeros(n), torch.ones(n)


@wrong("gan.step_labels", "three")
def _(n):
    return torch.ones(n), torch.zeros(n)


@right("gan.lowest_with_sigmoid")
def _():
    D_real, D_fake = torch.tensor(1.0), torch.tensor(0.0)
    return F.softplus(-D_real) + F.softplus(D_fake)


@wrong("gan.lowest_with_sigmoid", "1/2|cannot tell")
def _():
    return 1.386


@wrong("gan.lowest_with_sigmoid", "part of the real|fakes")
def _():
    return math.log(1 + 1 / math.e)


@right("gan.d_step_loss")
def _(D, G, real, z):
    with torch.no_grad():
        fake = G(z)
    criterion = nn.BCEWithLogitsLoss()
    real_logits, fake_logits = D(real), D(fake)
    loss_real = criterion(real_logits, torch.ones_like(real_logits))
    loss_fake = criterion(fake_logits, torch.zeros_like(fake_logits))
    return loss_real + loss_fake


@right("gan.d_step_loss")
def _(D, G, real, z):
    G.requires_grad_(False)
    loss = -F.logsigmoid(D(real)).mean() - F.logsigmoid(-D(G(z))).mean()
    G.requires_grad_(True)
    return loss


@wrong("gan.d_step_loss", "`G`|generator")
def _(D, G, real, z):
    fake_logits, real_logits = D(G(z)), D(real)
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


@wrong("gan.d_step_loss", r"backward|gradients behind")
def _(D, G, real, z):
    loss = F.softplus(-D(real)).mean() + F.softplus(D(G(z).detach())).mean()
    loss.backward()
    return loss


@wrong("gan.d_step_loss", r"half|average")
def _(D, G, real, z):
    criterion = nn.BCEWithLogitsLoss()
    fake = G(z).detach()
    r, f = D(real), D(fake)
    return 0.5 * (criterion(r, torch.ones_like(r)) + criterion(f, torch.zeros_like(f)))


@wrong("gan.d_step_loss", r"stops with|sizes?|one number|each part")
def _(D, G, real, z):
    fake = G(z).detach()
    return (F.softplus(-D(real)) + F.softplus(D(fake))).mean()


@wrong("gan.d_step_loss", r"\.item\(\)|gradient")
def _(D, G, real, z):
    return F.softplus(-D(real)).mean().item() + F.softplus(D(G(z))).mean().item()


@right("gan.slerp")
def _(a, b, t):
    out = []
    for p, q in zip(a.double(), b.double(), strict=True):
        cos = torch.clamp(p @ q / (p.norm() * q.norm()), -1, 1)
        omega = torch.acos(cos)
        if omega < 1e-6:
            out.append((1 - t) * p + t * q)
        else:
            out.append(
                torch.sin((1 - t) * omega) / torch.sin(omega) * p
                + torch.sin(t * omega) / torch.sin(omega) * q
            )
    return torch.stack(out)


@wrong("gan.slerp", r"stops with|one angle|batch|axes|dimension|same way|size")
def _(a, b, t):
    omega = torch.acos(F.cosine_similarity(a, b, dim=1))
    so = torch.sin(omega)
    return torch.sin((1 - t) * omega) / so * a + torch.sin(t * omega) / so * b


@wrong("gan.slerp", "straight line")
def _(a, b, t):
    return (1 - t) * a + t * b


@wrong("gan.slerp", "same way|NaN")
def _(a, b, t):
    na, nb = F.normalize(a, dim=1), F.normalize(b, dim=1)
    omega = torch.acos((na * nb).sum(1, keepdim=True).clamp(-1, 1))
    return (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)


@right("gan.nearest_neighbours")
def _(samples, train):
    found = []
    for s in samples:
        distances = [torch.dist(s, t).item() for t in train]
        found.append(int(np.argmin(distances)))
    return found


@right("gan.nearest_neighbours")
def _(samples, train):
    s, t = samples.flatten(1), train.flatten(1)
    squared = (s**2).sum(1)[:, None] + (t**2).sum(1) - 2 * s @ t.T
    return squared.min(dim=1).indices


@wrong("gan.nearest_neighbours", "distances|which")
def _(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1)).amin(dim=1)


@wrong(
    "gan.nearest_neighbours",
    "other way round|for each training|each sample|length of `samples`|axis 0 of `samples`",
)
def _(samples, train):
    return torch.cdist(train.flatten(1), samples.flatten(1)).argmin(dim=1)


@wrong("gan.nearest_neighbours", r"stops with|values, indices|\.indices")
def _(samples, train):
    return torch.cdist(samples.flatten(1), train.flatten(1)).min(dim=1)


@right("gan.copied_share")
def _(samples, train, test):
    flat = [t.flatten(1).numpy() for t in (samples, train, test)]
    count = 0
    for s in flat[0]:
        count += (
            np.linalg.norm(flat[1] - s, axis=1).min() < np.linalg.norm(flat[2] - s, axis=1).min()
        )
    return count / len(samples)


@wrong("gan.copied_share", "count|share")
def _(samples, train, test):
    d_train = torch.cdist(samples.flatten(1), train.flatten(1)).min(1).values
    d_test = torch.cdist(samples.flatten(1), test.flatten(1)).min(1).values
    return (d_train < d_test).sum().item()


@wrong("gan.copied_share", r"other way round|1 minus|held-out")
def _(samples, train, test):
    d_train = torch.cdist(samples.flatten(1), train.flatten(1)).min(1).values
    d_test = torch.cdist(samples.flatten(1), test.flatten(1)).min(1).values
    return (d_test < d_train).float().mean()


# ---------------------------------------------------------------- 22, DCGAN


@right("dcgan.to_tanh_range")
def _(images):
    return images.float().div(255).mul(2).sub(1)


@right("dcgan.to_tanh_range")
def _(images):
    x = images.numpy().astype(np.float32)
    return (x - 127.5) / 127.5


@wrong("dcgan.to_tanh_range", r"0\.\.1")
def _(images):
    return images.float() / 255.0


@wrong("dcgan.to_tanh_range", r"128|127\.5")
def _(images):
    return images.float() / 128 - 1


@wrong("dcgan.to_tanh_range", r"uint8|144|255|bytes|wrap")
def _(images):
    return 2 * images / 255 - 1


@right("dcgan.stack_size")
def _(side, stack):
    x = torch.zeros(1, 1, side, side)
    for kind, k, s, p in stack:
        cls = nn.ConvTranspose2d if kind == "up" else nn.Conv2d
        x = cls(1, 1, k, s, p)(x)
    return x.shape[-1]


@wrong("dcgan.stack_size", r"whole number|rounds down|//")
def _(side, stack):
    for kind, k, s, p in stack:
        side = (side - 1) * s - 2 * p + k if kind == "up" else (side + 2 * p - k) / s + 1
    return side


@wrong("dcgan.stack_size", r"s \(H - 1\)|first stamp|step")
def _(side, stack):
    for kind, k, s, p in stack:
        side = side * s + k - 2 * p if kind == "up" else (side + 2 * p - k) // s + 1
    return side


@wrong("dcgan.stack_size", r"stops with UnboundLocalError|None|return")
def _(side, stack):
    for kind, k, s, p in stack:
        if kind == "conv":
            side = (side + 2 * p - k) // s + 1
        elif kind == "up":
            side = s * (side - 1) + k - 2 * p


@right("dcgan.generator_stack")
def _(start, size):
    return [[6, 2, 2] for _ in range(int(math.log2(size // start)))]


@right("dcgan.generator_stack")
def _(start, size):
    return tuple((4, 2, 1) for _ in range(round(math.log2(size / start))))


@wrong("dcgan.generator_stack", "makes|twice|3, 2, 1")
def _(start, size):
    return [(3, 2, 1)] * int(math.log2(size / start))


@wrong("dcgan.generator_stack", "list of layers|whole")
def _(start, size):
    return (
        [(4, 2, 1)] * int(math.log2(size / start))
        if start > 100
        else [(4.0, 2.0, 1.0)] * int(math.log2(size / start))
    )


@wrong("dcgan.generator_stack", "should go|end at")
def _(start, size):
    return [(4, 2, 1)] * 3


@right("dcgan.half_life")
def _(decay):
    return 1 / math.log(decay, 0.5)


@right("dcgan.half_life")
def _(decay):
    return np.log(2) / -np.log(decay)


@wrong("dcgan.half_life", r"half of the mean age|straight line|decayⁿ")
def _(decay):
    return 0.5 / (1 - decay)


@wrong("dcgan.half_life", "sign")
def _(decay):
    return math.log(2) / math.log(decay)


@wrong("dcgan.half_life", "whole")
def _(decay):
    n, share = 0, 1.0
    while share > 0.5:
        share *= decay
        n += 1
    return n


@right("dcgan.moving_average")
def _(history, decay):
    n = len(history)
    weights = torch.tensor([(1 - decay) * decay ** (n - 1 - k) for k in range(n)])
    total = sum(w * h for w, h in zip(weights, history, strict=True))
    return total / weights.sum()


@wrong("dcgan.moving_average", "not corrected|zeros")
def _(history, decay):
    average = torch.zeros(history.shape[1:])
    for w in history:
        average.mul_(decay).add_(w, alpha=1 - decay)
    return average


@wrong("dcgan.moving_average", "first weights")
def _(history, decay):
    average = history[0].clone()
    for w in history[1:]:
        average = decay * average + (1 - decay) * w
    return average


@wrong("dcgan.moving_average", "changes its argument `history`")
def _(history, decay):
    average = history[0]
    average *= 1 - decay
    for w in history[1:]:
        average = decay * average + (1 - decay) * w
    return average / (1 - decay ** len(history))


@right("dcgan.init_dcgan")
def _(net):
    def weights_init(m):
        name = m.__class__.__name__
        if name.find("Conv") != -1:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif name.find("BatchNorm") != -1:
            nn.init.normal_(m.weight.data, 1.0, 0.02)
            nn.init.constant_(m.bias.data, 0)

    return net.apply(weights_init)


@right("dcgan.init_dcgan")
def _(net):
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
                m.weight.copy_(0.02 * torch.randn(m.weight.shape))
            if isinstance(m, nn.BatchNorm2d):
                m.weight.copy_(1 + 0.02 * torch.randn_like(m.weight))
                m.bias.zero_()
    return net


@wrong("dcgan.init_dcgan", "Return it|return")
def _(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)


@wrong("dcgan.init_dcgan", "scales are all 1")
def _(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.ones_(m.weight)
            nn.init.zeros_(m.bias)
    return net


@wrong("dcgan.init_dcgan", "ConvTranspose2d are as torch made them")
def _(net):
    for m in net.modules():
        if type(m) is nn.Conv2d:
            nn.init.normal_(m.weight, 0.0, 0.02)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1, 0.02)
            nn.init.zeros_(m.bias)
    return net


@wrong("dcgan.init_dcgan", "deviation")
def _(net):
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.xavier_normal_(m.weight)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1, 0.02)
            nn.init.zeros_(m.bias)
    return net


@right("dcgan.attribute_direction")
def _(latents, has):
    mask = has.float()[:, None]
    with_it = (mask * latents).sum(0) / mask.sum()
    without = ((1 - mask) * latents).sum(0) / (1 - mask).sum()
    return with_it - without


@right("dcgan.attribute_direction")
def _(latents, has):
    z = latents.numpy()
    d = z[has.numpy()].mean(axis=0) - z[~has.numpy()].mean(axis=0)
    return d / np.linalg.norm(d)


@wrong("dcgan.attribute_direction", "mean of those with")
def _(latents, has):
    return latents[has].mean(dim=0)


@wrong("dcgan.attribute_direction", "without|sign|comes? off|from 'with'")
def _(latents, has):
    return latents[has == False].mean(0) - latents[has == True].mean(0)  # noqa: E712


@wrong("dcgan.attribute_direction", r"~|numbers|\[d\]|wrong|1 - has|stops with")
def _(latents, has):
    return latents[has].mean(0) - latents[1 - has.long()].mean(0)


@right("dcgan.set_coordinate")
def _(z, direction, target):
    u = F.normalize(direction, dim=0)
    return torch.stack([row + (target - torch.dot(row, u)) * u for row in z])


@wrong("dcgan.set_coordinate", r"length 1|length")
def _(z, direction, target):
    coordinate = z @ direction
    return z + (target - coordinate).unsqueeze(1) * direction


@wrong("dcgan.set_coordinate", "moved by the target|it has")
def _(z, direction, target):
    return z + target * direction / direction.norm()


@wrong("dcgan.set_coordinate", "in place|changes")
def _(z, direction, target):
    u = direction / direction.norm()
    for k in range(len(z)):
        z[k] += (target - z[k] @ u) * u
    return z


# ---------------------------------------------------------------- 23, a GAN that trains


@right("stable_gan.combinations_covered")
def _(factors, sizes):
    return torch.unique(factors, dim=0).shape[0] / np.prod(sizes)


@right("stable_gan.combinations_covered")
def _(factors, sizes):
    seen = set(map(tuple, factors.numpy()))
    every = list(itertools.product(*map(range, sizes)))
    return sum(c in seen for c in every) / len(every)


@wrong("stable_gan.combinations_covered", "number of samples|possible|share of the samples")
def _(factors, sizes):
    return len(torch.unique(factors, dim=0)) / len(factors)


@wrong("stable_gan.combinations_covered", "every sample counts as new|tensors")
def _(factors, sizes):
    return len(set(factors)) / math.prod(sizes)


@wrong("stable_gan.combinations_covered", "product|sum")
def _(factors, sizes):
    return len(torch.unique(factors, dim=0)) / sum(sizes)


@right("stable_gan.hinge_losses")
def _(real_logits, fake_logits):
    d = torch.clamp(1 - real_logits, min=0).mean() + torch.clamp(1 + fake_logits, min=0).mean()
    return [d, -torch.mean(fake_logits)]


@wrong("stable_gan.hinge_losses", "first|discriminator|sign|margin")
def _(real_logits, fake_logits):
    return F.relu(1 + real_logits).mean() + F.relu(1 - fake_logits).mean(), -fake_logits.mean()


@wrong("stable_gan.hinge_losses", "sign|large logits")
def _(real_logits, fake_logits):
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean(), fake_logits.mean()


@wrong("stable_gan.hinge_losses", "2 results|expected")
def _(real_logits, fake_logits):
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


@right("stable_gan.relativistic_d_loss")
def _(real_logits, fake_logits):
    diff = real_logits - fake_logits
    return F.binary_cross_entropy_with_logits(diff, torch.ones_like(diff))


@wrong("stable_gan.relativistic_d_loss", "sign|fake.*more real")
def _(real_logits, fake_logits):
    return -F.logsigmoid(fake_logits - real_logits).mean()


@wrong("stable_gan.relativistic_d_loss", r"±10⁴|extreme|overflow")
def _(real_logits, fake_logits):
    return torch.log(1 + torch.exp(fake_logits - real_logits)).mean()


@right("stable_gan.power_iteration")
def _(W, u):
    v = torch.mv(W.t(), u)
    v = v / torch.linalg.vector_norm(v)
    wv = torch.mv(W, v)
    sigma = torch.linalg.vector_norm(wv)
    return wv / sigma, sigma


@wrong("stable_gan.power_iteration", r"new|half a step|second")
def _(W, u):
    v = F.normalize(W.T @ u, dim=0)
    sigma = u @ (W @ v)
    return F.normalize(W @ v, dim=0), sigma


@wrong("stable_gan.power_iteration", "exchanged|second|first")
def _(W, u):
    v = F.normalize(W.T @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    return u @ W @ v, u


@right("stable_gan.influence")
def _(critic, x):
    x = x.detach().clone().requires_grad_(True)
    a = critic(x)
    out = torch.zeros(len(x), len(x))
    for i in range(len(x)):
        g = torch.autograd.grad(a[i], x, retain_graph=True)[0]
        for j in range(len(x)):
            out[i, j] = g[j].norm()
    return out


@wrong("stable_gan.influence", "transpose|row i")
def _(critic, x):
    J = torch.autograd.functional.jacobian(critic, x)
    return J.flatten(2).norm(dim=2).T


@wrong("stable_gan.influence", r"retain_graph|second time")
def _(critic, x):
    x = x.clone().requires_grad_()
    a = critic(x)
    return torch.stack(
        [torch.autograd.grad(a[i], x)[0].flatten(1).norm(dim=1) for i in range(len(x))]
    )


@wrong("stable_gan.influence", "sum|each logit")
def _(critic, x):
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x)
    return g.flatten(1).norm(dim=1)


@right("stable_gan.r1_penalty")
def _(critic, real):
    real = real.detach().requires_grad_()
    logits = critic(real)
    grads = torch.autograd.grad(logits, real, torch.ones_like(logits), create_graph=True)[0]
    return (grads**2).reshape(len(real), -1).sum(1).mean()


@wrong("stable_gan.r1_penalty", "mean.*logit|size of the batch|squared? of")
def _(critic, real):
    x = real.clone().requires_grad_()
    (g,) = torch.autograd.grad(critic(x).mean(), x, create_graph=True)
    return g.flatten(1).pow(2).sum(1).mean()


@wrong("stable_gan.r1_penalty", "pixels|entries|averaged")
def _(critic, real):
    x = real.clone().requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return g.pow(2).mean()


@right("stable_gan.gradient_penalty")
def _(critic, real, fake):
    n = real.size(0)
    eps = torch.rand(n).view(n, *([1] * (real.ndim - 1)))
    mixed = (real * eps + fake * (1 - eps)).detach().requires_grad_(True)
    scores = critic(mixed)
    g = torch.autograd.grad(
        outputs=scores, inputs=mixed, grad_outputs=torch.ones_like(scores), create_graph=True
    )[0]
    return ((g.reshape(n, -1).norm(2, dim=1) - 1) ** 2).mean()


@wrong("stable_gan.gradient_penalty", "normal|uniform")
def _(critic, real, fake):
    eps = torch.randn(real.size(0), *([1] * (real.ndim - 1)))
    mixed = (real * eps + fake * (1 - eps)).requires_grad_(True)
    g = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    return ((g.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


@wrong("stable_gan.gradient_penalty", r"root at 0|NaN|slope is 0")
def _(critic, real, fake):
    eps = torch.rand(real.size(0), *([1] * (real.ndim - 1)))
    mixed = (real * eps + fake * (1 - eps)).requires_grad_(True)
    g = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    return (((g**2).flatten(1).sum(1) ** 0.5 - 1) ** 2).mean()


@wrong("stable_gan.gradient_penalty", r"one number|mean")
def _(critic, real, fake):
    eps = torch.rand(real.size(0), *([1] * (real.ndim - 1)))
    mixed = (real * eps + fake * (1 - eps)).requires_grad_(True)
    g = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    return (torch.linalg.vector_norm(g.flatten(1), dim=1) - 1) ** 2


# ---------------------------------------------------------------- 24, conditional GAN


@right("conditional_gan.the_c")
def _():
    return ["Conditional", "Convolutional "]


@wrong("conditional_gan.the_c", "CycleGAN|cyclic")
def _():
    return "cycle", "convolution"


@wrong("conditional_gan.the_c", "two words")
def _():
    return "conditional"


@right("conditional_gan.latent_with_label")
def _(z, labels, classes):
    hot = torch.zeros(len(z), classes)
    hot[torch.arange(len(z)), labels] = 1
    return torch.hstack([z, hot])


@right("conditional_gan.latent_with_label")
def _(z, labels, classes):
    return np.concatenate([z.numpy(), np.eye(classes, dtype=np.float32)[labels.numpy()]], axis=1)


@wrong("conditional_gan.latent_with_label", "classes|batch")
def _(z, labels, classes):
    return torch.cat([z, F.one_hot(labels).float()], dim=1)


@wrong("conditional_gan.latent_with_label", "along the batch|second axis|stops with")
def _(z, labels, classes):
    return torch.cat([z, F.one_hot(labels, classes).float()])


@wrong("conditional_gan.latent_with_label", "before|behind|order")
def _(z, labels, classes):
    return torch.cat([F.one_hot(labels, classes).float(), z], dim=-1)


@right("conditional_gan.image_with_label")
def _(x, labels, classes):
    n, _, h, w = x.shape
    maps = torch.zeros(n, classes, h, w)
    for k in range(n):
        maps[k, labels[k]] = 1.0
    return torch.cat((x, maps), 1)


@wrong("conditional_gan.image_with_label", "axes|dimensions|expand")
def _(x, labels, classes):
    return torch.cat([x, F.one_hot(labels, classes).float()], dim=1)


@wrong("conditional_gan.image_with_label", "number|one map")
def _(x, labels, classes):
    maps = labels.view(-1, 1, 1, 1).float().expand(-1, 1, x.shape[2], x.shape[3])
    return torch.cat([x, maps], dim=1)


@right("conditional_gan.conditional_batch_norm")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, mean, var, training=mean is None)
    return torch.einsum("nchw,nc->nchw", y, 1 + gamma) + beta[..., None, None]


@wrong("conditional_gan.conditional_batch_norm", "1 is missing|1 \\+ gamma")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, mean, var, training=mean is None)
    return gamma[:, :, None, None] * y + beta[:, :, None, None]


@wrong("conditional_gan.conditional_batch_norm", r"n - 1")
def _(x, gamma, beta, mean=None, var=None):
    if mean is None:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    y = (x - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + 1e-5)
    return (1 + gamma[:, :, None, None]) * y + beta[:, :, None, None]


@wrong("conditional_gan.conditional_batch_norm", "evaluation|given|`mean`|`var`|mean and var")
def _(x, gamma, beta, mean=None, var=None):
    y = F.batch_norm(x, None, None, training=True)
    return (1 + gamma[:, :, None, None]) * y + beta[:, :, None, None]


@right("conditional_gan.projection_logit")
def _(h, c, w, b, V):
    return torch.stack([w @ hi + b + (V @ ci) @ hi for hi, ci in zip(h, c, strict=True)])


@wrong("conditional_gan.projection_logit", r"every condition|\[N, N\]|pair|each")
def _(h, c, w, b, V):
    return h @ w + b + h @ V @ c.T


@wrong("conditional_gan.projection_logit", "bias|`b`")
def _(h, c, w, b, V):
    return h @ w + (c @ V.T * h).sum(-1)


@right("conditional_gan.obedience")
def _(asked, logits):
    return np.mean(logits.numpy().argmax(axis=1) == asked.numpy())


@right("conditional_gan.obedience")
def _(asked, logits):
    return sum(int(row.argmax()) == int(a) for a, row in zip(asked, logits, strict=True)) / len(
        asked
    )


@wrong("conditional_gan.obedience", "float|Convert|mean")
def _(asked, logits):
    return torch.mean(logits.argmax(-1) == asked)


@wrong("conditional_gan.obedience", "count|share")
def _(asked, logits):
    return (logits.argmax(-1) == asked).sum()


@right("conditional_gan.obedience_by_chance")
def _(asked, made, classes):
    return sum((asked == k).float().mean() * (made == k).float().mean() for k in range(classes))


@wrong("conditional_gan.obedience_by_chance", "1 / classes|equally often")
def _(asked, made, classes):
    return 1 / classes


@wrong("conditional_gan.obedience_by_chance", r"stops with|classes|size")
def _(asked, made, classes):
    return (torch.bincount(asked) / len(asked) * torch.bincount(made) / len(made)).sum()


# ---------------------------------------------------------------- 31, the VAE


@right("vae.bits_per_dim")
def _(nats, pixels):
    return nats / np.log(2) / pixels


@wrong("vae.bits_per_dim", "nats|log 2")
def _(nats, pixels):
    return nats / pixels


@right("vae.vae_loss")
def _(x, x_hat, mean, logvar, sigma):
    recon = F.mse_loss(x_hat, x, reduction="sum") / (2 * sigma**2)
    kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return (recon + kl) / x.shape[0]


@wrong("vae.vae_loss", "pixels|averaged")
def _(x, x_hat, mean, logvar, sigma):
    recon = F.mse_loss(x_hat, x) / (2 * sigma**2)
    kl = -0.5 * torch.mean(torch.sum(1 + logvar - mean.pow(2) - logvar.exp(), dim=1))
    return recon + kl


@wrong("vae.vae_loss", "batch|images|N, axis 0|`x`")
def _(x, x_hat, mean, logvar, sigma):
    recon = F.mse_loss(x_hat, x, reduction="sum") / (2 * sigma**2)
    kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
    return recon + kl


@wrong("vae.vae_loss", "sigma")
def _(x, x_hat, mean, logvar, sigma):
    recon = (x - x_hat).pow(2).flatten(1).sum(1)
    kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp(), dim=1)
    return (recon + kl).mean()


@right("vae.build_encoder")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(pixels, 100)
            self.mu, self.log_var = nn.Linear(100, latent), nn.Linear(100, latent)

        def forward(self, x):
            h = torch.tanh(self.fc(x.reshape(x.shape[0], -1)))
            return [self.mu(h), self.log_var(h)]

    return Encoder()


@wrong("vae.build_encoder", "never negative|ReLU")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(pixels, 100)
            self.mu, self.log_var = nn.Linear(100, latent), nn.Linear(100, latent)

        def forward(self, x):
            h = self.fc(x.flatten(1)).relu()
            return self.mu(h), self.log_var(h).relu()

    return Encoder()


@wrong("vae.build_encoder", "flatten")
def _(pixels, latent):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(pixels, 100)
            self.head = nn.Linear(100, 2 * latent)

        def forward(self, x):
            return self.head(self.fc(x).relu()).chunk(2, dim=1)

    return Encoder()


@wrong("vae.build_encoder", r"mean, logvar|two")
def _(pixels, latent):
    return nn.Sequential(
        OrderedDict(
            flat=nn.Flatten(),
            one=nn.Linear(pixels, 64),
            relu=nn.ReLU(),
            two=nn.Linear(64, 2 * latent),
        )
    )


@right("vae.sample")
def _(decoder, n, latent):
    z = torch.normal(0.0, 1.0, size=(n, latent))
    with torch.no_grad():
        return decoder(z).mean.numpy()


@wrong("vae.sample", "uniform|mean")
def _(decoder, n, latent):
    return decoder(torch.rand((n, latent))).mean


@wrong("vae.sample", r"\.mean|likelihood")
def _(decoder, n, latent):
    return decoder(torch.randn(n, latent))


@right("vae.interpolate")
def _(a, b, n):
    w = torch.linspace(0, 1, n)[:, None]
    return (1 - w) * a + w * b


@right("vae.interpolate")
def _(a, b, n):
    return np.linspace(a.numpy(), b.numpy(), n)


@wrong("vae.interpolate", "end|n - 1")
def _(a, b, n):
    w = torch.arange(n)[:, None] / n
    return (1 - w) * a + w * b


@wrong("vae.interpolate", "torch.stack|tensors? in a list")
def _(a, b, n):
    return [a + (b - a) * k / (n - 1) for k in range(n)]


# ---------------------------------------------------------------- 41, neural style


@right("neural_style.total_variation")
def _(x):
    right_, below = x[:, :, :, 1:] - x[:, :, :, :-1], x[:, :, 1:, :] - x[:, :, :-1, :]
    return F.l1_loss(right_, torch.zeros_like(right_)) + torch.mean(torch.abs(below))


@wrong("neural_style.total_variation", "squared|absolute")
def _(x):
    return F.mse_loss(x[..., 1:], x[..., :-1]) + F.mse_loss(x[..., 1:, :], x[..., :-1, :])


@wrong("neural_style.total_variation", "sum")
def _(x):
    return x.diff(dim=-1).abs().sum() + x.diff(dim=-2).abs().sum()


@wrong("neural_style.total_variation", "border|goes round")
def _(x):
    return (x - torch.roll(x, 1, dims=-1)).abs().mean() + (
        x - torch.roll(x, 1, dims=-2)
    ).abs().mean()


@right("neural_style.content_gradient")
def _(F, wanted):
    n, c, h, w = F.shape
    return (F - wanted) * 2 / (n * c * h * w)


@wrong("neural_style.content_gradient", "half|2 of the square|twice")
def _(F, wanted):
    return (F - wanted) / F.numel()


@wrong("neural_style.content_gradient", "C H W|entries|divided|mean")
def _(F, wanted):
    return 2 * (F - wanted)


@right("neural_style.masked_gram")
def _(F, mask):
    return torch.einsum("nihw,njhw,hw->nij", F, F, mask[0, 0]) / (F.shape[1] * mask.sum())


@wrong("neural_style.masked_gram", "square root|twice|root")
def _(F, mask):
    f = (F * mask).flatten(2)
    return f @ f.mT / (F.shape[1] * mask.sum())


@wrong("neural_style.masked_gram", "divided by all|sum of the mask|H W")
def _(F, mask):
    f = (F * mask.sqrt()).flatten(2)
    return f @ f.mT / (f.shape[1] * f.shape[2])


@right("neural_style.keep_color")
def _(painting, photo):
    def grey(x):
        return (0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]).unsqueeze(1)

    return photo + (grey(painting) - grey(photo)).repeat(1, 3, 1, 1)


@wrong("neural_style.keep_color", "mean of red|0\\.299")
def _(painting, photo):
    return photo - photo.mean(1, keepdim=True) + painting.mean(1, keepdim=True)


@wrong("neural_style.keep_color", "exchanged")
def _(painting, photo):
    def grey(x):
        return (0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]).unsqueeze(1)

    return painting - grey(painting) + grey(photo)


# ---------------------------------------------------------------- 42, fast style


@right("fast_style.instance_norm")
def _(h, a, b):
    flat = h.flatten(2)
    var, mean = torch.var_mean(flat, dim=2, keepdim=True, unbiased=False)
    out = (flat - mean) * torch.rsqrt(var + 1e-5) * a[:, None] + b[:, None]
    return out.view_as(h)


@wrong("fast_style.instance_norm", "batch")
def _(h, a, b):
    return F.batch_norm(h, None, None, a, b, training=True)


@wrong("fast_style.instance_norm", "layer norm|channels")
def _(h, a, b):
    return F.layer_norm(h, h.shape[1:]) * a[:, None, None] + b[:, None, None]


@right("fast_style.blend_share")
def _(r):
    p, q = -(2 + r), 1 - r
    return -p / 2 - math.sqrt((p / 2) ** 2 - q)


@wrong("fast_style.blend_share", "other root")
def _(r):
    p, q = -(2 + r), 1 - r
    return -p / 2 + math.sqrt((p / 2) ** 2 - q)


@right("fast_style.flicker")
def _(film, dy, dx):
    T, _, h, w = film.shape
    total = 0
    for t in range(1, T):
        total = total + ((film[t][:, : h - dy, : w - dx] - film[t - 1][:, dy:, dx:]) ** 2).mean()
    return total / (T - 1)


@wrong("fast_style.flicker", "wrong way|motion")
def _(film, dy, dx):
    h, w = film.shape[2:]
    return (film[1:, :, dy:, dx:] - film[:-1, :, : h - dy, : w - dx]).square().mean()


@wrong("fast_style.flicker", "border|roll")
def _(film, dy, dx):
    moved = torch.roll(film[:-1], shifts=(-dy, -dx), dims=(2, 3))
    return F.mse_loss(film[1:], moved)


@right("fast_style.margins")
def _(o, h, grid):
    first, last = math.floor(o / grid) * grid, math.ceil((o + h) / grid) * grid
    return [o - first, last - (o + h)]


@wrong("fast_style.margins", "whole block|ends at a line")
def _(o, h, grid):
    return o % grid, grid - (o + h) % grid


@wrong("fast_style.margins", r"o is below 0|negative")
def _(o, h, grid):
    above = int(math.fmod(o, grid))
    return above, -(o + h) % grid


@right("fast_style.whiten")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    U, S, _ = torch.linalg.svd(flat / F.shape[1] ** 0.5, full_matrices=False)
    return U @ torch.diag(1 / S) @ U.T @ flat


@wrong("fast_style.whiten", r"n - 1")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(torch.cov(F))
    return vectors @ torch.diag(values**-0.5) @ vectors.T @ flat


@wrong("fast_style.whiten", "axes|Turn back")
def _(F):
    flat = F - F.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return torch.diag(values**-0.5) @ vectors.T @ flat
