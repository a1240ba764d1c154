"""The evaluators: small trained networks whose features sets of images are compared in."""

from collections import OrderedDict
from typing import NamedTuple

import torch
import torch.nn as nn

from genimg_lib import files, weights
from genimg_lib.data import load as load_images
from genimg_lib.data import portraits
from genimg_lib.data.convert import check_range, to_float
from genimg_lib.data.sources import SOURCES
from genimg_lib.divergences import frechet_distance
from genimg_lib.errors import DataError, unknown
from genimg_lib.metrics.sets import kid, precision_recall

KEPT = 4  # sets of images whose features an evaluator keeps


class EvaluatorNet(nn.Module):
    """A small classifier.

    Its features are 96 numbers an image: the activations of its fourth convolution, averaged over
    positions.

    They see texture and sharpness as well as content; the last layers, trained to read factors
    through noise, see content alone, and find noisy images as good as clean ones.
    channels, size: of the images (size a multiple of patch).
    heads: {name: number of outputs}.
    patch: pixels of a side of the patches that the first convolution sees; larger images have
        larger ones, so that all cost the same.
    """

    def __init__(self, channels, size, heads, patch=2, width=64):
        super().__init__()

        def block(c_in, c_out, stride):
            return [
                nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
            ]

        w, side = width, -(-size // (4 * patch))  # size / patch, then two strides of 2
        self.body = nn.Sequential(
            nn.PixelUnshuffle(patch),
            *block(channels * patch**2, w, 1),
            *block(w, w, 1),
            *block(w, 3 * w // 2, 2),
            *block(3 * w // 2, 3 * w // 2, 1),
        )
        self.top = nn.Sequential(
            *block(3 * w // 2, 2 * w, 2),
            nn.Flatten(),
            nn.Linear(2 * w * side * side, 64),
            nn.ReLU(),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(64, k) for name, k in heads.items()})

    def features(self, x):
        """x: [N, C, H, W] in [-1, 1].

        Returns [N, 96], times 10 so that distances have sizes one can read.
        """
        return 10 * self.body(x).mean(dim=(2, 3))

    def forward(self, x):
        """x: [N, C, H, W] in [-1, 1]. Returns {head: [N, outputs]}."""
        return self.both(x)[1]

    def both(self, x):
        """x: [N, C, H, W] in [-1, 1]. Returns (features [N, 96], {head: [N, outputs]})."""
        activations = self.body(x)
        last = self.top(activations)
        outputs = {name: head(last) for name, head in self.heads.items()}
        return 10 * activations.mean(dim=(2, 3)), outputs


class Spec(NamedTuple):
    """What evaluators there are for a data set.

    channels: of the images. heads: {name: number of outputs}, what they learn to read.
    patches: {size of the images: patch of the network}; the first size is the usual one.
    """

    channels: int
    heads: dict
    patches: dict

    def network(self, size):
        """The arguments of the `EvaluatorNet` for images of a size."""
        shape = {"channels": self.channels, "size": size, "heads": self.heads}
        return shape | {"patch": self.patches[size]}


SPECS = {
    "portraits": Spec(
        channels=3,
        heads={
            n: len(portraits.FACTORS[n]) if n in portraits.CATEGORICAL else 1
            for n in portraits.FACTORS
        },
        patches={32: 2, 64: 4},
    ),
    "fashion_mnist": Spec(channels=1, heads={"label": 10}, patches={28: 2}),
}


def weights_for(name, size=None):
    """(name of the weights, size) of the evaluator for a data set's images of a size.

    size: None for the usual one.
    Raises ValueError where there is none.
    """
    if name not in SPECS:
        raise unknown("evaluator", name, SPECS)
    usual, *others = SPECS[name].patches
    if size is None or size == usual:
        return f"evaluator_{name}", usual
    if size not in others:
        raise ValueError(
            f"expected a size that an evaluator of {name} knows, of"
            f" {', '.join(map(str, SPECS[name].patches))}; got {size}"
        )
    return f"evaluator_{name}_{size}", size


class Evaluator:
    """Judges sets of images of one kind, by the features of a small trained network.

    `Evaluator("portraits")` for 3x32x32, `Evaluator("portraits", size=64)` for larger
    ones, `Evaluator("fashion_mnist")` for 1x28x28; distances by different evaluators cannot be
    compared, only their ratios to a floor. Images are uint8, or float in [-1, 1]. The reference
    that `fd` compares with are features of real training images, stored with the weights in
    data/weights.
    """

    def __init__(self, name, device="cpu", size=None):
        stored, self.size = weights_for(name, size)
        self.name, self.device = name, torch.device(device)
        self.channels = SPECS[name].channels
        tensors = weights.read(stored)
        self.facts = weights.facts(stored)
        self.mu, self.cov = tensors.pop("reference.mu", None), tensors.pop("reference.cov", None)
        self.net = EvaluatorNet(**SPECS[name].network(self.size))
        missing, unexpected = self.net.load_state_dict(tensors, strict=False)
        # batch counters need not be stored, all else is
        lacking = [key for key in missing if not key.endswith("num_batches_tracked")]
        if unexpected or lacking or self.mu is None or self.cov is None:
            raise DataError(
                f"the weights {stored} do not fit this version of the course; "
                f"make them again: genimg make {stored}"
            )
        self.net.eval().requires_grad_(False).to(self.device)
        self._kept = OrderedDict()  # {content of images: what `_seen` returned}

    def features(self, images, at_once=500):
        """The features of images: float32 [N, 96]."""
        return self._seen(images, at_once)[0].clone()

    def fd(self, images):
        """The Fréchet distance between these images and real ones, in feature space: 0 is best.

        At least 256 images, better 2,000.

        It shrinks as N grows, even for real images: compare only figures of the same N, and with
        `floor(N)`.
        """
        if len(images) < 256:
            raise ValueError(
                f"a Fréchet distance of {len(images)} images says nothing: 96 features need at"
                " least 256 images, better 2,000"
            )
        features = self.features(images).double()
        return frechet_distance(features.mean(dim=0), features.T.cov(), self.mu, self.cov)

    def floor(self, n, seed=0):
        """The distance that n real, unseen images have: a perfect generator's."""
        return self.fd(self.real(n, seed).images)

    def real(self, n, seed=0):
        """n real images that neither the network nor the reference has seen (the test split)."""
        return load_images(self.name, "test", size=self.size, n=n, seed=1_000_003 + seed)

    def report(self, images, k=3):
        """All set metrics of the images, each beside its real-versus-real floor.

        {"fd", "fd_floor", "kid", "precision", "recall", ...}.
        """
        n = len(images)
        # where images are not drawn afresh, there are only so many: two halves of the test split
        half = n if SOURCES[self.name].draws_n else min(n, len(load_images(self.name, "test")) // 2)
        # no image stands on both sides of a floor
        real, other = self.features(self.real(2 * half).images).split(half)
        fake = self.features(images[:half])  # as many of each: precision and recall hang on that
        precision, recall = precision_recall(real, fake, k)
        precision_floor, recall_floor = precision_recall(real, other, k)
        found = {
            "fd": self.fd(images),
            "fd_floor": self.floor(n),
            "kid": kid(real, fake),
            "kid_floor": kid(real, other),
        }
        return found | {
            "precision": precision,
            "precision_floor": precision_floor,
            "recall": recall,
            "recall_floor": recall_floor,
            "n": n,
        }

    def read(self, images, at_once=500):
        """What the network sees in images: {name: [N]}.

        For portraits every factor (indices, or numbers in [-1, 1]); for Fashion-MNIST "label".
        """
        read = {}
        for name, out in self._seen(images, at_once)[1].items():
            read[name] = (
                out[:, 0].clamp(-1, 1) if name in portraits.CONTINUOUS else out.argmax(dim=1)
            )
        return read

    def _seen(self, images, at_once):
        """(features, {head: outputs}) of images, on the CPU.

        `fd`, `features` and `read` are mostly asked about the same images, one after the other:
        the last few sets are known again by their bytes.
        """
        self._check(images)
        content = images.detach().cpu().contiguous()
        key = (images.shape, images.dtype, files.digest(content.view(torch.uint8).numpy()))
        if key not in self._kept:
            parts = [self.net.both(x) for x in self._batches(images, at_once)]
            features = torch.cat([features for features, _ in parts]).cpu()
            heads = {name: torch.cat([o[name] for _, o in parts]).cpu() for name in self.net.heads}
            self._kept[key] = features, heads
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _check(self, images):
        c, s = self.channels, self.size
        if images.dim() != 4 or images.shape[1:] != (c, s, s):
            raise ValueError(
                f"the {self.name} evaluator sees images [N, {c}, {s}, {s}]; got"
                f" {tuple(images.shape)}"
            )
        if images.is_floating_point():
            check_range(images)
        elif images.dtype != torch.uint8:
            raise TypeError(f"images are uint8 in 0..255 or float in [-1, 1]; got {images.dtype}")

    def _batches(self, images, at_once):
        with torch.no_grad():
            for part in images.split(at_once):
                yield (to_float(part) if part.dtype == torch.uint8 else part.float()).to(
                    self.device
                )
