"""Style transfer by optimisation: the pixels are the variables (Gatys et al. 2016).

No network is trained.
"""

import math

import torch
import torch.nn.functional as F

from genimg_lib.errors import unknown
from genimg_lib.style.losses import content_loss, gram, recolor, style_loss, total_variation

# for maps with a mean of 1, whatever the network and the size
WEIGHTS = {"content": 1.0, "style": 200.0, "variation": 0.5}
# a charge for values outside [-1, 1], so heavy that the cut at the end hardly changes the loss
OUTSIDE = 1_000.0
SIDE = 32  # the smallest side of a picture: its half still goes through the networks
LARGEST = 1_024  # pixels of the longer side, beyond which memory and minutes run out on a laptop


def stylize(content, styles, net, *, steps=60, strength=1.0, watch=None, **more):
    """The content in the style of others: [1, 3, H, W] in [-1, 1], of its size.

    content: [1, 3, H, W] in [-1, 1].
    styles: one image [1, 3, h, w], or a list of them.
    net: a `Features`, as pretrained.features gives. First the content takes on the styles' colours
        (`recolor`), so that what it keeps does not fight the palette; then the pixels are
        optimised.
    steps: at the full size; each coarser one gets as many.
    strength: of the style, 1 for a clear one; 0 leaves the content. watch(step, steps, loss, image)
        is called after each step, with a smaller image at the coarse sizes, and may return True to
        stop.
    more: of the `Settings`.
    Raises ValueError for anything else.
    Source: Gatys et al. 2016 (CVPR), here from coarse to fine as Gatys et al. 2017
    (arXiv:1611.07865).
    """
    styles = list(styles) if isinstance(styles, (list, tuple)) else [styles]
    s = Settings(**more)
    _check(content, styles, strength, steps, s, 1 + len(net.stages))
    mix = torch.tensor(s.mix or [1.0] * len(styles)) / sum(s.mix or [1.0] * len(styles))
    levels = min(
        s.levels,
        1 + max(0, (min(min(x.shape[2:]) for x in [content, *styles]) // (2 * SIDE)).bit_length()),
    )
    content = torch.lerp(content, _recolored(content, styles, mix, s), min(1.0, strength))
    x, before = (s.init if isinstance(s.init, torch.Tensor) else None), None
    for done, level in enumerate(reversed(range(levels))):
        small, masks = (
            _shrink(content, level),
            (None if s.masks is None else [_pooled(m, level) for m in s.masks]),
        )
        wanted = Wanted(
            net, small, [_shrink(example, level) for example in styles], mix, masks, s.content_stage
        )
        if x is None:
            x = (
                small
                if s.init == "content"
                else 0.3
                * torch.randn(small.shape, generator=torch.Generator().manual_seed(s.seed)).to(
                    small.device
                )
            )
        elif before is not None:
            # what was painted is carried up, onto all the detail of the content
            x = small + _resized(x - before, small)
        before = small if s.init == "content" else None
        report = (
            None
            if watch is None
            else lambda k, loss, image, done=done: watch(
                done * steps + k, levels * steps, loss, image
            )
        )

        def loss_of(image, wanted=wanted):
            return wanted.loss(image, strength, s.variation)

        x, stopped = minimise(loss_of, _resized(x, small).clamp(-1, 1), steps, s.optimizer, report)
        if stopped:
            break
    return _resized(x, content).clamp(-1, 1)


class Settings:
    """What else `stylize` can be told.

    mix: a weight for each style, equal if not given; Gram matrices are averaged by them.
    masks: a list of [1, 1, H, W] in 0..1, one for each style, which then holds where its mask is 1
        (not together with mix).
    init: "content", "noise" (from the seed) or an image.
    content_stage: of whose maps the content is kept, 0 for the pixels, then the network's stages.
    variation: a weight of the total variation instead of that of WEIGHTS.
    optimizer: "lbfgs" or "adam".
    levels: of size; 1 for the full size only, 2 to begin at half of it, and so on; fewer where the
        shortest side would fall below 32 pixels.
    reference: a picture whose colours stand for the content's, as for `recolor`.
    """

    def __init__(
        self,
        mix=None,
        masks=None,
        init="content",
        content_stage=3,
        variation=None,
        optimizer="lbfgs",
        levels=2,
        seed=0,
        reference=None,
    ):
        self.mix, self.masks, self.init, self.content_stage = (
            None if mix is None else [float(w) for w in mix],
            masks,
            init,
            content_stage,
        )
        self.variation, self.optimizer, self.levels, self.seed, self.reference = (
            variation,
            optimizer,
            levels,
            seed,
            reference,
        )


class Wanted:
    """What a stylised picture should have, at full and at half size.

    The content's maps at one stage, the styles' Gram matrices at all.
    """

    SCALES = 2

    def __init__(self, net, content, styles, mix=None, masks=None, content_stage=3):
        """What the content and the styles ask for.

        mix: weights of the styles [S] that add up to 1, equal if not given; other arguments as for
        `stylize`.
        """
        self.net, self.stage = net, content_stage
        self.masks = (
            None if masks is None else [[_halved(m, k) for k in range(self.SCALES)] for m in masks]
        )
        mix = [1 / len(styles)] * len(styles) if mix is None else torch.as_tensor(mix).tolist()
        with torch.no_grad():
            self.maps = net(content, content_stage)[content_stage]
            # by style, scale, layer
            grams = [
                [[gram(m) for m in net(_halved(s, k))] for k in range(self.SCALES)] for s in styles
            ]
            if masks is None:

                def weighted(layer):
                    return sum(w * g for w, g in zip(mix, layer, strict=True))

                grams = [
                    [
                        [weighted(layer) for layer in zip(*scale, strict=True)]
                        for scale in zip(*grams, strict=True)
                    ]
                ]
        self.grams = grams  # one for each mask, one alone without masks

    def losses(self, x):
        """(content, style, variation) of an image, each 0 or more, without weights."""
        maps = [self.net(_halved(x, k)) for k in range(self.SCALES)]
        styled = sum(self._style(m, k) for k, m in enumerate(maps)) / self.SCALES
        return content_loss(maps[0][self.stage], self.maps), styled, total_variation(x)

    def _style(self, maps, scale):
        if self.masks is None:
            return style_loss(maps, self.grams[0][scale])
        parts = []
        for mask, grams in zip(self.masks, self.grams, strict=True):
            shares = [F.adaptive_avg_pool2d(mask[scale], m.shape[2:]) for m in maps]
            kept = [
                m * (s / s.mean().clamp(min=1e-6)).sqrt() for m, s in zip(maps, shares, strict=True)
            ]  # the Gram matrix of the places under the mask
            parts.append(style_loss(kept, grams[scale]) * mask[scale].mean())
        return sum(parts)

    def loss(self, x, strength=1.0, variation=None):
        """Their sum, with the weights of WEIGHTS, or another one for the variation."""
        content, styled, restless = self.losses(x)
        return WEIGHTS["content"] * content + strength * (
            WEIGHTS["style"] * styled
            + (WEIGHTS["variation"] if variation is None else variation) * restless
        )


@torch.enable_grad()
def minimise(loss_of, x, steps, optimizer="lbfgs", watch=None):
    """The best image found on the way from x, and whether `watch` stopped it.

    Values outside [-1, 1] are charged for, and cut off at the end.

    L-BFGS learns the curvature from its last gradients; Adam makes its first steps, since far from
    the goal the curvature misleads.
    Raises ValueError for another optimizer, for steps below 0, and where the loss at x is not
    finite.
    """
    if optimizer not in ("lbfgs", "adam"):
        raise unknown("optimizer", optimizer, ("lbfgs", "adam"))
    if steps < 0:
        raise ValueError(f"expected steps of 0 or more, got {steps}")
    # torch's L-BFGS (2.13) takes no variable that lies in memory with channels last
    x = x.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    adam = torch.optim.Adam([x], lr=0.03)

    def make_lbfgs():
        return torch.optim.LBFGS(
            [x], max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0
        )

    lbfgs, best, lowest = make_lbfgs(), x.detach().clone(), float("inf")
    for step in range(steps):
        seen = {}

        def closure(seen=seen):
            x.grad = None
            outside = (x - x.clamp(-1, 1)).square().mean()
            loss = loss_of(x) + OUTSIDE * outside
            (x.numel() * loss).backward()  # a slope of about 1 for each pixel
            seen["loss"], seen["x"] = loss.item(), x.detach().clone()
            return x.numel() * loss.detach()

        (adam if optimizer == "adam" or step < 15 else lbfgs).step(closure)
        if seen["loss"] < lowest:
            lowest, best = seen["loss"], seen["x"]
        elif lowest == float("inf"):
            raise ValueError(
                f"the loss is {seen['loss']} at the start: are all values of images, masks and"
                " weights finite?"
            )
        # a leap: back to the best, and its curvature is forgotten
        elif not seen["loss"] < 3 * lowest:
            with torch.no_grad():
                x.copy_(best)
            lbfgs = make_lbfgs()
        if watch is not None and watch(step + 1, seen["loss"], best.clamp(-1, 1)):
            return best.clamp(-1, 1), True
    return best.clamp(-1, 1), False


def keep_color(stylised, content):
    """The stylised picture's lightness with the content's colours.

    Both [N, 3, H, W] in [-1, 1].
    Source: Gatys et al. 2016b (arXiv:1606.05897), "luminance-only transfer", here after the
    transfer.
    """
    if stylised.shape != content.shape:
        raise ValueError(
            f"expected pictures of the same shape, got {list(stylised.shape)} and"
            f" {list(content.shape)}"
        )
    weights = torch.tensor([0.299, 0.587, 0.114], device=content.device, dtype=content.dtype).view(
        1, 3, 1, 1
    )  # of the colours in the lightness (BT.601)

    def lightness(x):
        return (weights * x).sum(dim=1, keepdim=True)

    return (content - lightness(content) + lightness(stylised)).clamp(-1, 1)


def _recolored(content, styles, mix, settings):
    """The content in the mixture's colours.

    Under masks in each one's, where they overlap in between, where there is none in its own.
    """
    masks, in_colors = settings.masks, [recolor(content, s, settings.reference) for s in styles]
    if masks is None:
        return sum(w * x for w, x in zip(mix.tolist(), in_colors, strict=True)).clamp(-1, 1)
    covered = sum(masks)
    painted = sum(m * x for m, x in zip(masks, in_colors, strict=True)) / covered.clamp(min=1)
    return (painted + (1 - covered).clamp(min=0) * content).clamp(-1, 1)


def _halved(x, times):
    return F.avg_pool2d(x, 2**times) if times else x


def _pooled(mask, level):
    """A mask of the size that `_shrink` gives, still within 0..1."""
    return F.adaptive_avg_pool2d(mask, [math.floor(n * 0.5**level) for n in mask.shape[2:]])


def _shrink(x, level):
    return (
        x
        if level == 0
        else F.interpolate(x, scale_factor=0.5**level, mode="bicubic", antialias=True).clamp(-1, 1)
    )


def _resized(x, other):
    return (
        x
        if x.shape == other.shape
        else F.interpolate(x, size=other.shape[2:], mode="bicubic", antialias=True)
    )


def _check(content, styles, strength, steps, s, stages):
    if not styles:
        raise ValueError("expected one style or more, got none")
    for name, x in [
        ("content", content),
        *(("style", e) for e in styles),
        *([("init", s.init)] if isinstance(s.init, torch.Tensor) else []),
        *([("reference", s.reference)] if s.reference is not None else []),
    ]:
        if x.dim() != 4 or x.shape[:2] != (1, 3) or min(x.shape[2:]) < SIDE:
            raise ValueError(
                f"{name}: expected one colour image [1, 3, H, W] with sides of {SIDE} pixels or "
                f"more, got {list(x.shape)}"
            )
        if x.dtype != torch.float32 or not x.isfinite().all() or x.abs().max() > 1.01:
            raise ValueError(
                f"{name}: expected finite float32 numbers in [-1, 1], as data.to_float gives,"
                f" got {x.dtype} from {x.min():.3g} to {x.max():.3g}"
            )
    if not strength >= 0:
        raise ValueError(f"strength is {strength}; 0 or more is expected, 1 for a clear style")
    if s.mix is not None and (
        s.masks is not None or len(s.mix) != len(styles) or min(s.mix) < 0 or not sum(s.mix) > 0
    ):
        raise ValueError(
            f"mix is {s.mix}; {len(styles)} weights of 0 or more are expected, not all 0, and no"
            " masks with it"
        )
    shape = (1, 1, *content.shape[2:])
    if s.masks is not None and (
        len(s.masks) != len(styles)
        or any(
            m.shape != shape or not m.is_floating_point() or not ((m >= 0) & (m <= 1)).all()
            for m in s.masks
        )
    ):
        raise ValueError(
            f"expected one mask {list(shape)} in 0..1 for each of {len(styles)} styles, got"
            f" {[list(m.shape) for m in s.masks]}"
        )
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps is {steps!r}; a whole number, 1 or more, is expected")
    if isinstance(s.init, str) and s.init not in ("content", "noise"):
        raise ValueError(f"init is {s.init!r}; 'content', 'noise' or an image is expected")
    if not isinstance(s.levels, int) or s.levels < 1:
        raise ValueError(
            f"levels is {s.levels!r}; 1 for the full size only, 2 to begin at half of it, and so on"
        )
    if s.optimizer not in ("lbfgs", "adam"):
        raise ValueError(f"unknown optimizer {s.optimizer!r}; known: lbfgs, adam")
    if not 0 <= s.content_stage < stages:
        raise ValueError(
            f"content_stage is {s.content_stage}; this network has stages 0 to {stages - 1}"
        )
