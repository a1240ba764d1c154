"""One way in: `load(name)` -> `ImageSet`; and the two conversions, pixels for eyes (uint8) <-> images for models (float in [-1, 1])."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from genimg_lib.data import folder, idx, photos, portraits

NAMES = ("portraits", "mnist", "fashion_mnist", "photos", "folder:PATH")
SPLITS = ("train", "test")


@dataclass
class ImageSet:
    """A set of images and what is known of each. `len(s)` is N; `s[i]` takes a slice or a tensor of indices and gives a smaller set."""

    images: torch.Tensor  # uint8 [N, C, H, W]
    labels: torch.Tensor | None = None  # int64 [N], indices into names
    names: tuple[str, ...] = ()  # the classes' names
    captions: list[str] | None = None  # N sentences
    factors: dict[str, torch.Tensor] = field(default_factory=dict)  # what a picture was drawn from, each [N]
    title: str = ""

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        i = torch.arange(len(self))[i].reshape(-1)
        return ImageSet(
            images=self.images[i],
            labels=None if self.labels is None else self.labels[i],
            names=self.names,
            captions=None if self.captions is None else [self.captions[k] for k in i.tolist()],
            factors={name: v[i] for name, v in self.factors.items()},
            title=self.title,
        )

    def __repr__(self):
        parts = [f"{len(self):,} images of {'x'.join(map(str, self.images.shape[1:]))}"]
        parts += [f"{len(self.names)} classes"] if self.names else []
        parts += [f"{len(self.factors)} factors"] if self.factors else []
        parts += ["captions"] if self.captions else []
        return f"ImageSet({self.title}: {', '.join(parts)})"


def load(name, split="train", size=None, n=None, seed=0):
    """Load a data set.

    name: one of `NAMES`. split: "train" or "test" (photos have one split; a folder may have subfolders train/ and test/).
    size: height and width in pixels; left out, the set's own (portraits 32, MNIST and Fashion-MNIST 28, photos 256, a folder 64).
    n: how many images, drawn without replacement by `seed`; left out, all of them (portraits: 10,000 to train, 2,000 to test).
    Returns an ImageSet. Raises ValueError for an unknown name or split or an impossible size or n, DataError for files that are missing or damaged.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    if size is not None and (not isinstance(size, int) or size < 8):
        raise ValueError(f"size is {size!r}; give a whole number of pixels, 8 or more")
    if n is not None and (not isinstance(n, int) or n < 1):
        raise ValueError(f"n is {n!r}; give a whole number of images, 1 or more, or leave it out for all")
    if name == "portraits":
        return _portraits(split, size or 32, n, seed)
    if name in idx.SETS:
        images, labels = idx.load(name, split)
        found = ImageSet(images, labels, idx.SETS[name].names, title=f"{name}, {split}")
    elif name == "photos":
        found = ImageSet(photos.load(size or 256), names=photos.NAMES, labels=torch.arange(len(photos.NAMES)), title="photos")
    elif name.startswith("folder:"):
        images, labels, names = folder.load(name.removeprefix("folder:"), split, size or 64)
        found = ImageSet(images, labels, names, title=name)
    else:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(NAMES)}")
    if n is not None:
        if n > len(found):
            raise ValueError(f"n is {n:,}, but {found.title} has {len(found):,} images")
        found = found[torch.randperm(len(found), generator=torch.Generator().manual_seed(seed))[:n]]
    if size is not None:
        found.images = _resize(found.images, size)
    return found


def _portraits(split, size, n, seed):
    n = n or {"train": 10_000, "test": 2_000}[split]
    images, factors = portraits.render(n, size, seed=2 * seed + SPLITS.index(split))  # the two splits never share a seed
    return ImageSet(images, captions=portraits.caption(factors, seed), factors=factors, title=f"portraits, {split}")


def _resize(images, size):
    """[N, C, H, W] to [N, C, size, size]: a frame of the corner's black where it grows, averaged where it shrinks."""
    h, w = images.shape[-2:]
    if size >= max(h, w):
        top, left = (size - h) // 2, (size - w) // 2
        return F.pad(images, (left, size - w - left, top, size - h - top))
    small = F.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return small.round().clamp(0, 255).to(torch.uint8)


def to_float(images):
    """uint8 images [..., H, W] in 0..255 -> float32 in [-1, 1], what models see. Raises TypeError for anything but uint8."""
    if images.dtype != torch.uint8:
        raise TypeError(f"to_float takes uint8 images (0 to 255), not {images.dtype}; what is float already is not scaled again")
    return images.float() / 127.5 - 1


def to_uint8(images):
    """Float images in [-1, 1] -> uint8 in 0..255, what eyes and files see; clamped to the range and rounded, never wrapped.

    Raises TypeError for integers, ValueError where values are not finite or lie so far outside [-1, 1] (beyond -2 or 2) that they were
    surely meant for another range.
    """
    if not images.is_floating_point():
        raise TypeError(f"to_uint8 takes float images in [-1, 1], not {images.dtype}")
    check_range(images, slack=1.0)
    return ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def check_range(images, slack=1e-3):
    """Raise ValueError unless float images are finite and within [-1 - slack, 1 + slack]."""
    if images.numel() == 0:
        return
    low, high = images.min().item(), images.max().item()
    if not (low >= -1 - slack and high <= 1 + slack):  # false for NaN too
        raise ValueError(
            f"these images lie between {low:.3g} and {high:.3g}; models' images lie in [-1, 1]. "
            "From 0..255: to_float(uint8 images); from [0, 1]: 2 * x - 1; NaN or infinity: look for the step that made it"
        )
