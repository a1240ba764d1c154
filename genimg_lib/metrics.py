"""How good are the images? One by one (PSNR, SSIM), or as a set (Fréchet distance, kernel distance, precision and recall in an evaluator's features)."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.data import fetch, portraits
from genimg_lib.data import load as load_images
from genimg_lib.data.image_set import check_range, to_float
from genimg_lib.divergences import frechet_distance

# ---------------------------------------------------------------------------------------------- image against image


def psnr(x, y, data_range=2.0):
    """Peak signal-to-noise ratio in decibels, 10 log10(data_range^2 / MSE), per image: [N]. Infinite for equal images.

    x, y: [N, C, H, W], floats in [-1, 1] (data_range 2), or in another range whose width is data_range.
    """
    _check_pair(x, y, data_range)
    mse = (x.double() - y.double()).square().flatten(1).mean(dim=1)
    return 10 * torch.log10(data_range**2 / mse)


def ssim(x, y, data_range=2.0):
    """Structural similarity, per image: [N], at most 1 (equal images), averaged over channels and windows.

    x, y: [N, C, H, W] with H, W >= 11, floats in [-1, 1] (data_range 2), or in another range whose width is data_range.
    Windows are Gaussian, 11x11, sigma 1.5, within the image; K1 = 0.01, K2 = 0.03. Source: Wang et al. 2004, who had pixels from 0 to 255:
    values for the same images in [-1, 1] and in [0, 1] (data_range 1) differ, and published ones mostly are the latter.
    """
    _check_pair(x, y, data_range)
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"SSIM looks through windows of 11x11 pixels; the images are {x.shape[-2]}x{x.shape[-1]}")
    axis = torch.arange(11, dtype=torch.float64, device=x.device) - 5
    gauss = torch.exp(-0.5 * (axis / 1.5) ** 2)
    gauss = gauss / gauss.sum()
    c = x.shape[1]

    def blur(v):  # the window's weighted mean: [N, C, H, W] -> [N, C, H - 10, W - 10]
        v = F.conv2d(v, gauss.view(1, 1, 11, 1).expand(c, 1, 11, 1), groups=c)
        return F.conv2d(v, gauss.view(1, 1, 1, 11).expand(c, 1, 1, 11), groups=c)

    x, y = x.double(), y.double()
    mu_x, mu_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mu_x**2, blur(y * y) - mu_y**2, blur(x * y) - mu_x * mu_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mu_x * mu_y + c1) * (2 * cov + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))
    return similarity.flatten(1).mean(dim=1)


def _check_pair(x, y, data_range):
    if x.shape != y.shape or x.dim() != 4:
        raise ValueError(f"two batches [N, C, H, W] of the same shape are wanted; given {tuple(x.shape)} and {tuple(y.shape)}")
    if not (x.is_floating_point() and y.is_floating_point()):
        raise TypeError(f"float images are wanted, given {x.dtype} and {y.dtype}; uint8 goes through data.to_float first")
    if data_range == 2.0:
        check_range(x)
        check_range(y)
    elif not data_range > 0:
        raise ValueError(f"data_range is {data_range}; it is the width of the range of the pixels: 2 for [-1, 1], 1 for [0, 1], 255 for bytes")


# ---------------------------------------------------------------------------------------------- set against set, in features


def precision_recall(real, fake, k=3):
    """(precision, recall): the share of fakes within the real set's reach, and of reals within the fakes'. Each in 0..1.

    real, fake: features [N, d] and [M, d], N and M above k. A set's reach is the union of balls about its points, each as large
    as the distance to its k-th nearest neighbour. Source: Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2.
    """
    real, fake = _check_features(real, fake, at_least=k + 1)
    return _within(fake, real, k), _within(real, fake, k)


def _within(points, manifold, k, at_once=2048):
    """The share of points that lie in a ball of the manifold."""
    rows = manifold.split(at_once)
    radii = torch.cat([torch.cdist(part, manifold).kthvalue(k + 1, dim=1).values for part in rows])  # k + 1: a point is its own nearest
    inside = [(torch.cdist(part, manifold) <= radii).any(dim=1) for part in points.split(at_once)]
    return torch.cat(inside).double().mean().item()


def kid(real, fake):
    """Kernel distance: the unbiased estimate of MMD^2 with the kernel (x.y / d + 1)^3. About 0 for equal distributions, may be slightly below.

    real, fake: features [N, d], [M, d], at least 2 of each. Source: Bińkowski et al. 2018 (arXiv:1801.01401).
    """
    x, y = _check_features(real, fake, at_least=2)
    n, m, d = len(x), len(y), x.shape[1]
    k_xx, k_yy, k_xy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (k_xx.sum() - k_xx.diagonal().sum()) / (n * (n - 1))
    within_y = (k_yy.sum() - k_yy.diagonal().sum()) / (m * (m - 1))
    return (within_x + within_y - 2 * k_xy.mean()).item()


def _check_features(real, fake, at_least):
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features [N, d] and [M, d] are wanted (evaluator.features(images)); given {tuple(real.shape)} and {tuple(fake.shape)}")
    if min(len(real), len(fake)) < at_least:
        raise ValueError(f"at least {at_least} of each are needed; given {len(real)} and {len(fake)}")
    return real.double(), fake.double()


# ---------------------------------------------------------------------------------------------- the evaluators


class EvaluatorNet(nn.Module):
    """A small classifier. Its features are 96 numbers an image: the activations of its fourth convolution, averaged over positions.

    They see texture and sharpness as well as content; the last layers, trained to read factors through noise, see content alone, and
    find noisy images as good as clean ones. channels, size: of the images (size even). heads: {name: number of outputs}.
    """

    def __init__(self, channels, size, heads, width=64):
        super().__init__()

        def block(c_in, c_out, stride):
            return [nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]

        w, side = width, -(-size // 8)  # size / 2 after the shuffle, then two strides of 2
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), *block(4 * channels, w, 1), *block(w, w, 1), *block(w, 3 * w // 2, 2), *block(3 * w // 2, 3 * w // 2, 1)
        )  # fmt: skip
        self.top = nn.Sequential(*block(3 * w // 2, 2 * w, 2), nn.Flatten(), nn.Linear(2 * w * side * side, 64), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(64, k) for name, k in heads.items()})

    def features(self, x):
        """x: [N, C, H, W] in [-1, 1]. Returns [N, 96], times 10 so that distances have sizes one can read."""
        return 10 * self.body(x).mean(dim=(2, 3))

    def forward(self, x):
        """x: [N, C, H, W] in [-1, 1]. Returns {head: [N, outputs]}."""
        last = self.top(self.body(x))
        return {name: head(last) for name, head in self.heads.items()}


SPECS = {
    "portraits": {"channels": 3, "size": 32, "heads": {n: len(portraits.FACTORS[n]) if n in portraits.CATEGORICAL else 1 for n in portraits.FACTORS}},
    "fashion_mnist": {"channels": 1, "size": 28, "heads": {"label": 10}},
}


class Evaluator:
    """Judges sets of images of one kind, by the features of a small trained network.

    `Evaluator("portraits")` for 3x32x32, `Evaluator("fashion_mnist")` for 1x28x28. Images are uint8, or float in [-1, 1]. The reference
    that `fd` compares with are features of real training images, stored with the weights in data/weights.
    """

    def __init__(self, name, device="cpu"):
        if name not in SPECS:
            raise ValueError(f"no evaluator for {name!r}; there is one for {', '.join(SPECS)}")
        from safetensors import safe_open

        self.name, self.device = name, torch.device(device)
        self.channels, self.size = SPECS[name]["channels"], SPECS[name]["size"]
        path = fetch.shipped() / "weights" / f"evaluator_{name}.safetensors"
        if not path.is_file():
            raise fetch.DataError(f"{path} is missing; make it again with `python data/weights/make_evaluator.py {name}`")
        with safe_open(path, "pt") as file:
            weights = {key: file.get_tensor(key).float() for key in file.keys()}
            self.facts = json.loads(file.metadata()["facts"])
        self.mu, self.cov = weights.pop("reference.mu"), weights.pop("reference.cov")
        self.net = EvaluatorNet(**SPECS[name])
        missing, unexpected = self.net.load_state_dict(weights, strict=False)  # batch counters are not stored, all else is
        if unexpected or any(not key.endswith("num_batches_tracked") for key in missing):
            raise fetch.DataError(
                f"{path} does not fit this version of the course; make it again with `python data/weights/make_evaluator.py {name}`"
            )
        self.net.eval().requires_grad_(False).to(self.device)

    def features(self, images, at_once=500):
        """The features of images: float32 [N, 96]."""
        return torch.cat([self.net.features(x) for x in self._batches(images, at_once)]).cpu()

    def fd(self, images):
        """The Fréchet distance between these images and real ones, in feature space: 0 is best. At least 256 images, better 2,000.

        It shrinks as N grows, even for real images: compare only figures of the same N, and with `floor(N)`.
        """
        if len(images) < 256:
            raise ValueError(f"a Fréchet distance of {len(images)} images says nothing: 96 features need at least 256 images, better 2,000")
        features = self.features(images).double()
        return frechet_distance(features.mean(dim=0), features.T.cov(), self.mu, self.cov)

    def floor(self, n, seed=0):
        """The distance that n real, unseen images have: what a perfect generator would reach with n images."""
        return self.fd(self.real(n, seed).images)

    def real(self, n, seed=0):
        """n real images that neither the network nor the reference has seen (the test split)."""
        return load_images(self.name, split="test", n=n, seed=1_000_003 + seed)

    def report(self, images, k=3):
        """All set metrics of the images, each beside its real-versus-real floor: {"fd", "fd_floor", "kid", "precision", "recall", ...}."""
        n = len(images)
        half = n if self.name == "portraits" else min(n, 5_000)  # the test split of Fashion-MNIST has 10,000 images
        real, other = self.features(self.real(2 * half).images).split(half)  # no image stands on both sides of a floor
        fake = self.features(images)
        precision, recall = precision_recall(real, fake, k)
        precision_floor, recall_floor = precision_recall(real, other, k)
        found = {"fd": self.fd(images), "fd_floor": self.floor(n), "kid": kid(real, fake), "kid_floor": kid(real, other)}
        return found | {"precision": precision, "precision_floor": precision_floor, "recall": recall, "recall_floor": recall_floor, "n": n}

    def read(self, images, at_once=500):
        """What the network sees in images: for portraits every factor, {name: [N]} (indices, or numbers in [-1, 1]); for Fashion-MNIST {"label": [N]}."""
        outputs = [self.net(x) for x in self._batches(images, at_once)]
        read = {}
        for name in self.net.heads:
            out = torch.cat([o[name] for o in outputs]).cpu()
            read[name] = out[:, 0].clamp(-1, 1) if name in portraits.CONTINUOUS else out.argmax(dim=1)
        return read

    def _batches(self, images, at_once):
        c, s = self.channels, self.size
        if images.dim() != 4 or images.shape[1:] != (c, s, s):
            raise ValueError(f"the {self.name} evaluator sees images [N, {c}, {s}, {s}]; given {tuple(images.shape)}")
        if images.is_floating_point():
            check_range(images)
        elif images.dtype != torch.uint8:
            raise TypeError(f"images are uint8 in 0..255 or float in [-1, 1]; given {images.dtype}")
        with torch.no_grad():
            for part in images.split(at_once):
                yield (to_float(part) if part.dtype == torch.uint8 else part.float()).to(self.device)


def agreement(read, factors):
    """How often a reading of factors is right: {name: share in 0..1}. A continuous factor counts as right within 0.2, a tenth of its range."""
    right = {}
    for name, value in factors.items():
        hit = (read[name] - value).abs() <= 0.2 if name in portraits.CONTINUOUS else read[name] == value
        right[name] = hit.double().mean().item()
    return right


def coverage(read):
    """How fully a set of portraits covers the data, by a reading of its factors: ({factor: total variation}, share of values produced).

    The total variation, in 0..1, is that between the shares of a factor's values among these images and in the data: the share of images that would have
    to change. A value counts as produced if it comes at least a tenth as often as in the data. Both for the categorical factors.
    """
    variation, produced = {}, []
    for name in portraits.CATEGORICAL:
        p = portraits.probabilities(name)
        share = torch.bincount(read[name], minlength=len(p)) / len(read[name])
        variation[name] = 0.5 * (share - p).abs().sum().item()
        produced += (share >= p / 10).tolist()
    return variation, sum(produced) / len(produced)
