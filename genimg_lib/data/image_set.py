"""`ImageSet`: images and what is known of each."""

from dataclasses import dataclass, field

import torch


@dataclass
class ImageSet:
    """A set of images and what is known of each.

    `len(s)` is N; `s[i]` takes a slice or a tensor of indices and gives a smaller set.
    """

    images: torch.Tensor  # uint8 [N, C, H, W]
    labels: torch.Tensor | None = None  # int64 [N], indices into names
    names: tuple[str, ...] = ()  # the classes' names
    captions: list[str] | None = None  # N sentences
    # what a picture was drawn from, each [N]
    factors: dict[str, torch.Tensor] = field(default_factory=dict)
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
