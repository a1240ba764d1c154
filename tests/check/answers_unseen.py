"""Answers written without a look at the checks, where these were at fault once.

Wrong ones that were accepted, right ones that were refused, and causes that were not named.
"""

import math

import torch
import torch.nn.functional as F
from answer_table import right, wrong


@wrong("images_as_tensors.same_histograms", "hardly a pixel of 40x50")
def _(image):
    out = image.clone()
    out[:, 0], out[:, -1] = image[:, -1], image[:, 0]
    return out


@wrong("images_as_tensors.same_histograms", "each pixel has to be used once|Each pixel")
def _(image):
    c, h, w = image.shape
    chosen = torch.randint(h * w, (h * w,))
    return image.flatten(1)[:, chosen].view(c, h, w)


@wrong("images_as_tensors.image_bytes", "how many values a number may have")
def _(height, width, channels, bits):
    return (height * width * channels * 2**bits + 7) // 8


@wrong("convolution.conv_transpose", "whatever p is")
def _(y, k, s, p):
    out = F.conv_transpose2d(y[None, None], k[None, None], stride=s)[0, 0]
    return out[1:-1, 1:-1] if p else out


@wrong("convolution.upsample", "from one row to the next|row to the next")
def _(x):
    columns = F.interpolate(x[None], scale_factor=2, mode="linear")[0]
    return columns.repeat_interleave(2, 0)


@wrong("convolution.upsample", "corners are aligned")
def _(x):
    how = {"size": (16, 16), "mode": "bilinear", "align_corners": True}
    return F.interpolate(x[None, None], **how)[0, 0]


@wrong("distances.wasserstein_1d", "points of the same value")
def _(x, y):
    places = torch.cat([x, y]).unique()
    below = [(t.unique()[:, None] <= places[:-1]).double().mean(0) for t in (x, y)]
    return ((below[0] - below[1]).abs() * places.diff()).sum()


@wrong("distances.kl_gaussians", "logvar2 - logvar1|without")
def _(mu1, logvar1, mu2, logvar2):
    return 0.5 * ((logvar1.exp() + (mu1 - mu2) ** 2) / logvar2.exp() - 1)


@wrong("gan_minimax.g_loss", "gradient by logits of 1e4")
def _(fake_logits):
    safe = -torch.log(torch.sigmoid(fake_logits))
    return torch.where(fake_logits < -50, -fake_logits, safe).mean()


@wrong("gan_minimax.extragradient_step", "V = u v alone")
def _(V, u, v, h):
    u_trial, v_trial = u - h * v, v + h * u
    return u - h * v_trial, v + h * u_trial


@wrong("elbo.iwae_bound", "take out its \\*largest")
def _(log_w):
    least = log_w.min(0).values
    return least + (log_w - least).exp().mean(0).log()


@wrong("gram_matrices.even_texture", "expected a tensor")
def _(row, column):
    return (column[:, None] ^ row[None] ^ row[0]).numpy()


@wrong("gram_matrices.adain", "one deviation is divided by n")
def _(content, style):
    m = content.mean((2, 3), keepdim=True)
    s = content.std((2, 3), keepdim=True, correction=0)
    return (content - m) / (s + 1e-5) * style.std((2, 3), keepdim=True) + style.mean(
        (2, 3), keepdim=True
    )


@wrong("scores_and_flows.noise_from_velocity", "0/0 at t = 0")
def _(x_t, v, t):
    t = t[:, None]
    return (x_t / t - v) * t


@wrong("scores_and_flows.drift", "underflows")
def _(x, data, width):
    def way(points):
        k = torch.exp(-(torch.cdist(x, points) ** 2) / (2 * width**2))
        step = points[None] - x[:, None]
        return (k[:, :, None] * step).sum(1) / (k.sum(1, keepdim=True) + 1e-8)

    return way(data) - way(x)


@wrong("gan.slerp", "come out above 1")
def _(a, b, t):
    lengths = a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)
    w = ((a * b).sum(1, keepdim=True) / lengths).acos()
    arc = ((1 - t) * w).sin() / w.sin() * a + (t * w).sin() / w.sin() * b
    return torch.where(w == 0, (1 - t) * a + t * b, arc)


@wrong("gan.slerp", "without the lengths")
def _(a, b, t):
    w = (a * b).sum(1, keepdim=True).clamp(-1, 1).acos()
    arc = (((1 - t) * w).sin() * a + (t * w).sin() * b) / w.sin()
    return torch.where(w.sin().abs() < 1e-6, (1 - t) * a + t * b, arc)


@wrong("stable_gan.gradient_penalty", "the same in every call")
def _(critic, real, fake):
    alpha = torch.linspace(0, 1, len(real)).view(-1, *[1] * (real.dim() - 1))
    x = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()


@right("stable_gan.gradient_penalty")
def _(critic, real, fake):
    total = 0.0
    for r, f in zip(real, fake, strict=True):
        alpha = torch.rand(())
        x = (alpha * r + (1 - alpha) * f).detach()[None].requires_grad_()
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        total = total + (torch.linalg.vector_norm(slope) - 1) ** 2
    return total / len(real)


@wrong("dcgan.init_dcgan", "inside three others")
def _(net):
    for child in net.children():
        for m in (child, *child.children()):
            if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                torch.nn.init.normal_(m.weight, 0.0, 0.02)
            elif isinstance(m, torch.nn.BatchNorm2d):
                torch.nn.init.normal_(m.weight, 1.0, 0.02)
                torch.nn.init.zeros_(m.bias)
    return net


@wrong("conditional_gan.obedience", "every image with every wish")
def _(asked, logits):
    return (logits.argmax(dim=1, keepdim=True) == asked).float().mean()


@wrong("vae.build_encoder", "however large the weights|computed from the other|never leaves")
def _(pixels, latent):
    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Sequential(
                torch.nn.Flatten(), torch.nn.Linear(pixels, 64), torch.nn.ReLU()
            )
            self.mean = torch.nn.Linear(64, latent)
            self.logvar = torch.nn.Linear(64, latent)

        def forward(self, x):
            h = self.body(x)
            return self.mean(h), self.logvar(h).clamp(-30, 20)

    return Encoder()


@wrong("vq_vae.fsq_tokens", "1.001 of the chapter")
def _(h, levels):
    half = (torch.tensor(levels) - 1) / 2
    digits = (1.001 * half * torch.tanh(h)).round() + half
    steps = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    return (digits * steps).sum(dim=1).long()


@wrong("vae_gan.feature_error", "no gradient reaches `maps_hat`")
def _(maps, maps_hat):
    pairs = zip(maps, maps_hat, strict=True)
    return torch.tensor([F.mse_loss(a, b).item() for a, b in pairs]).mean()
