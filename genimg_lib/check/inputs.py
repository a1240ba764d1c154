"""What checks try answers on: seeded tensors, and small networks that can be recognised."""

import torch
import torch.nn as nn

# ---------------------------------------------------------------- tensors


def _generator(seed):
    return torch.Generator().manual_seed(seed)


def normal(seed, *shape, dtype=torch.float32):
    """Standard normal numbers."""
    return torch.randn(*shape, generator=_generator(seed), dtype=torch.float64).to(dtype)


def uniform(seed, *shape, low=0.0, high=1.0, dtype=torch.float32):
    """Numbers between low and high."""
    unit = torch.rand(*shape, generator=_generator(seed), dtype=torch.float64)
    return (low + (high - low) * unit).to(dtype)


def integers(seed, high, *shape, low=0, dtype=torch.int64):
    """Whole numbers from low to high - 1."""
    return torch.randint(low, high, shape, generator=_generator(seed), dtype=dtype)


def pixels(seed, *shape):
    """Bytes of images, uint8; black and white among them."""
    image = integers(seed, 256, *shape, dtype=torch.uint8)
    image.view(-1)[:1] = 0
    image.view(-1)[-1:] = 255
    return image


def probabilities(seed, *shape):
    """Rows that sum to 1."""
    return normal(seed, *shape).softmax(-1)


def unit(seed, *shape):
    """Rows of length 1."""
    rows = normal(seed, *shape)
    return rows / rows.norm(dim=-1, keepdim=True)


def maps(seed, n, c, h, w, dtype=torch.float32):
    """Features [N, C, H, W] whose channels and images have means and deviations of their own."""
    spread = 0.5 + 2 * normal(seed + 1, n, c, 1, 1, dtype=dtype).abs()
    return normal(seed, n, c, h, w, dtype=dtype) * spread + 2 * normal(
        seed + 2, n, c, 1, 1, dtype=dtype
    )


# ---------------------------------------------------------------- networks


class Network(nn.Module):
    """A small network, its weights drawn from a seed; label is what messages call it."""

    def __init__(self, label):
        super().__init__()
        self.label = label

    def weights(self, seed, *shape, scale=1.0):
        return nn.Parameter(scale * normal(seed, *shape))


class Discriminator(Network):
    """Images [N, ...] of `pixels` numbers -> logits [N]."""

    def __init__(self, pixels, seed=0, hidden=5):
        super().__init__("D")
        self.first = self.weights(seed, pixels, hidden, scale=pixels**-0.5)
        self.second = self.weights(seed + 1, hidden)

    def forward(self, x):
        return torch.tanh(x.flatten(1) @ self.first) @ self.second


class Generator(Network):
    """Latents [N, d] -> images [N, *shape]."""

    def __init__(self, d, shape, seed=0):
        super().__init__("G")
        self.shape = shape
        self.first = self.weights(seed, d, torch.Size(shape).numel())

    def forward(self, z):
        return torch.tanh(z @ self.first).view(len(z), *self.shape)


class Scaling(Network):
    """Images -> the logit scale * their mean: sure of both kinds where they differ."""

    def __init__(self, scale):
        super().__init__("D")
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, x):
        return self.scale * x.flatten(1).mean(dim=1)


class Critic(Network):
    """Images [N, ...] of any shape -> logits [N], each from its own image; curved."""

    def __init__(self, strength=0.3):
        super().__init__("critic")
        self.slope = nn.Parameter(torch.tensor(1.0))
        self.bend = nn.Parameter(torch.tensor(float(strength)))

    def forward(self, x):
        x = x.flatten(1)
        along = x @ torch.linspace(-1, 1, x.shape[1], dtype=x.dtype, device=x.device)
        return torch.tanh(self.slope * along) + self.bend * x.square().sum(dim=1)


class CriticWithBatchNorm(Network):
    """Images -> logits that depend on the other images too: the batch is normalised first.

    In training, that is; after .eval() the statistics are fixed, as batch norm's are.
    """

    def __init__(self):
        super().__init__("critic")
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        x = x.flatten(1)
        if self.training:
            x = (x - x.mean(dim=0)) / (x.var(dim=0, correction=0) + 1e-3).sqrt()
        return self.scale * torch.tanh(x) @ torch.linspace(-1, 2, x.shape[1], dtype=x.dtype)


class Likelihood:
    """What a decoder gives: mean, and a sample around it."""

    def __init__(self, mean, sigma=0.05):
        self.mean, self.sigma = mean, sigma

    def sample(self):
        return self.mean + self.sigma * torch.randn_like(self.mean)
