"""Pictures printed in a few inks, chosen by brightness: a style that is known exactly."""

import torch

# red, green, blue from 0 to 1, from the darkest to the brightest
INKS = torch.tensor(
    [[0.10, 0.12, 0.30], [0.75, 0.22, 0.25], [0.96, 0.62, 0.35], [0.98, 0.93, 0.80]]
)


def printed(images):
    """uint8 images [N, 3, H, W] in INKS: by their luma, in steps of the same width.

    Source of the luma: ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
    """
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    luma = (images.float() * weights).sum(dim=1)  # [N, H, W], below 256
    step = (luma / 256 * len(INKS)).long()
    return (255 * INKS[step]).round().to(torch.uint8).permute(0, 3, 1, 2).contiguous()
