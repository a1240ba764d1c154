"""Random changes of images through which gradients flow."""

import torch
import torch.nn.functional as F


class DiffAugment:
    """Random changes through which gradients flow, for real and fake images alike.

    So that a discriminator cannot learn few images by heart.
    policy: of "color" (brightness, saturation, contrast), "translation" (by up to 1/8 of the side,
        zeros come in), "cutout" (a square of about half the side becomes 0). All three if none is
        named. Called with images [N, C, H, W]; each gets its own change.
    Raises ValueError for unknown names.
    Source: Zhao et al. 2020 (arXiv:2006.10738).
    """

    def __init__(self, *policy):
        self.policy = policy or ("color", "translation", "cutout")
        if unknown := [
            name for name in self.policy if name not in ("color", "translation", "cutout")
        ]:
            raise ValueError(f"unknown change {unknown[0]!r}; known: color, translation, cutout")

    def __call__(self, x):
        for name in self.policy:
            x = getattr(self, f"_{name}")(x)
        return x

    @staticmethod
    def _color(x):
        brightness, saturation, contrast = torch.rand(
            3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype
        )
        x = x + (brightness - 0.5)
        x = torch.lerp(x.mean(dim=1, keepdim=True), x, 2 * saturation) if x.shape[1] > 1 else x
        return torch.lerp(x.mean(dim=(1, 2, 3), keepdim=True), x, contrast + 0.5)

    @staticmethod
    def _translation(x):
        n, _, h, w = x.shape
        down, across = max(1, h // 8), max(1, w // 8)
        padded = F.pad(x, (across, across, down, down))
        top = torch.randint(2 * down + 1, (n, 1, 1), device=x.device)
        left = torch.randint(2 * across + 1, (n, 1, 1), device=x.device)
        rows = torch.arange(h, device=x.device).view(1, h, 1) + top
        columns = torch.arange(w, device=x.device).view(1, 1, w) + left
        image = torch.arange(n, device=x.device).view(n, 1, 1)
        moved = padded.permute(0, 2, 3, 1)[image, rows, columns]  # [N, H, W, C]
        return moved.permute(0, 3, 1, 2)

    @staticmethod
    def _cutout(x):
        n, _, h, w = x.shape
        middle_y, middle_x = (torch.randint(side + 1, (n, 1), device=x.device) for side in (h, w))
        rows = (torch.arange(h, device=x.device) - middle_y).abs() <= h // 4
        columns = (torch.arange(w, device=x.device) - middle_x).abs() <= w // 4
        return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)
