"""Holes filled with patches that the picture itself shows elsewhere.

What is looked for is a filling all of whose patches stand somewhere in the seen part as well
(Wexler et al. 2007, "Space-Time Completion of Video"). Two steps take turns: find for each patch
that touches the hole the most alike one that is seen whole, its *source*; then give each hidden
pixel the mean of what the sources have in its place. From coarse pictures, in which holes are
small, to fine ones.
"""

import math

import torch
import torch.nn.functional as F

from genimg_lib.restore.smooth import checked, harmonic

SIDE = 7  # pixels of a patch's side
TURNS = (12, 8, 5, 3)  # of finding and averaging: on the coarsest picture, the next, ...; the last
FEWEST = 64  # sources, below which a picture is not made smaller
PAIRS = 1 << 28  # of patches that are compared one and all; where there are more, by and by
AT_ONCE = 1 << 25  # numbers in memory while patches are compared
JUMPS = (1, 2, 4, 8)  # pixels to neighbours whose sources are tried
CHANCES = 3  # sources from anywhere that are tried
FALL = 1.3  # how fast trust falls with each pixel from the edge
ALIKE = 1e-3  # the mean square of a number below which patches count as the same


def patched(y, seen, seed=0, watch=None):
    """An image [1, C, H, W] whose hole is filled with patches of itself.

    seen: bool, True where a pixel is known, [H, W]. What is seen is kept to the bit.
    seed: of the noise that it begins with and of the search; another may give another filling.
    watch: called with (done, all) after each picture from coarse to fine.
    Raises ValueError for several images, and where no patch of 7x7 pixels is seen whole.
    Source: Wexler et al. 2007 (DOI 10.1109/TPAMI.2007.60); the search by neighbours and by chance,
        Barnes et al. 2009, "PatchMatch" (DOI 10.1145/1531326.1531330).
    """
    whole = checked(y, seen)
    if len(y) != 1:
        raise ValueError(f"expected one image, [1, C, H, W], got {list(y.shape)}")
    if whole.all():
        return y.clone()
    g = torch.Generator().manual_seed(seed)
    levels = _pyramid(y[0], whole[0, 0])
    search, sources = None, None
    for k, (image, known) in enumerate(reversed(levels)):
        finer = Search(image, known, g)
        sources = finer.first() if search is None else finer.taken_over(search, sources)
        if search is None:
            image = harmonic(image[None], known)[0]
            image = image + 0.3 * torch.randn(image.shape, generator=g).to(image) * ~known
        else:
            image = finer.mean(image, sources, torch.zeros(len(sources)))
        search = finer
        for _ in range(TURNS[min(k, len(TURNS) - 1)]):
            sources, distances = search.better(image, sources)
            image = search.mean(image, sources, distances)
        if watch is not None:
            watch(k + 1, len(levels))
    image = search.mean(image, sources, distances, best_only=True)
    return torch.where(whole, y, image[None])


def has_sources(seen):
    """Is a patch of 7x7 pixels seen whole? seen: bool [H, W]."""
    return bool(_whole(seen).any())


def targets(seen):
    """How many patches of 7x7 pixels touch what is hidden. seen: bool [H, W]."""
    return int((~_whole(seen)).sum())


def _pyramid(image, known):
    """[(image, known)] from fine to coarse, until the hole is hardly thicker than a patch."""
    from scipy.ndimage import distance_transform_edt

    levels = [(image, known)]
    if not has_sources(known):
        raise ValueError(f"no patch of {SIDE}x{SIDE} pixels is seen whole; nothing to copy from")
    while distance_transform_edt(~known.numpy()).max() > SIDE / 2:
        weight = known[None].to(image)
        share = F.avg_pool2d(weight, 2)
        image = F.avg_pool2d(image * weight, 2) / share.clamp(min=1e-6)
        known = share[0] == 1
        if min(known.shape) < SIDE or _whole(known).sum() < FEWEST:
            break
        levels.append((image, known))
    return levels


def _whole(known):
    """Is a patch with its upper left corner here all known? bool [H - 6, W - 6]."""
    if min(known.shape) < SIDE:
        return known[:0, :0]
    hidden = (~known)[None, None].float()
    return F.max_pool2d(hidden, SIDE, stride=1)[0, 0] == 0


class Search:
    """For each patch that touches a hole, its source: [T, 2], rows and columns of corners.

    image: [C, H, W]. known: bool [H, W]. generator: of its chances.
    """

    def __init__(self, image, known, generator):
        from scipy.ndimage import distance_transform_edt

        self.generator, self.known = generator, known
        self.is_source = _whole(known)
        self.rows, self.columns = self.is_source.shape
        self.targets = (~self.is_source).nonzero()  # [T, 2]
        self.number = torch.full(self.is_source.shape, -1)
        self.number[tuple(self.targets.T)] = torch.arange(len(self.targets))
        self.all_sources = self.is_source.nonzero()
        away = torch.from_numpy(distance_transform_edt(~known.numpy()))
        middles = self.targets + SIDE // 2
        self.log_trust = -math.log(FALL) * away[tuple(middles.T)].to(image)

    def first(self):
        """Any sources."""
        return self._by_chance(len(self.targets))

    def taken_over(self, coarser, sources):
        """The sources that patches of a picture half as large found, brought to this one."""
        last = torch.tensor([coarser.rows - 1, coarser.columns - 1])
        at = torch.minimum(self.targets // 2, last)
        of = coarser.number[tuple(at.T)]
        step = torch.where(of[:, None] >= 0, sources[of] - coarser.targets[of], 0)
        found = self.targets + 2 * step
        fits = self._fit(found) & (of >= 0)
        return torch.where(fits[:, None], found, self._by_chance(len(found)))

    def better(self, image, sources):
        """Sources at least as alike to the image as it is now, and how far they are: [T].

        The most alike of all where there are few targets or sources; else those of neighbours and
        some by chance are tried (after eight calls 6 to 42 percent farther, on three photographs of
        96x96 pixels).
        """
        if len(self.targets) * len(self.all_sources) <= PAIRS:
            return self._best(image)
        patches = _patches(image)
        distances = self._distances(patches, sources)
        for jump in JUMPS:
            for step in ((-jump, 0), (jump, 0), (0, -jump), (0, jump)):
                tried = self._of_neighbours(sources, torch.tensor(step))
                sources, distances = self._better_of(patches, sources, distances, tried)
        for _ in range(CHANCES):
            tried = self._by_chance(len(sources))
            sources, distances = self._better_of(patches, sources, distances, tried)
        reach = max(self.rows, self.columns) // 2
        while reach >= 1:
            chance = 2 * torch.rand(len(sources), 2, generator=self.generator) - 1
            tried = sources + (reach * chance).round().long()
            sources, distances = self._better_of(patches, sources, distances, tried)
            reach = reach // 2
        return sources, distances

    def mean(self, image, sources, distances, best_only=False):
        """The image with its hole filled by the mean of what sources have there, weighed.

        A source counts less the less alike it is, and the farther from the edge.
        best_only: by the one that counts most.
        """
        least = ALIKE * len(image) * SIDE**2
        scale = max(_quantile(distances, 0.75), least)
        log_weights = self.log_trust - distances / (2 * scale)
        pixels = image[0].numel()
        # first the largest weight at each pixel, since those deep inside are very small
        most = torch.full((pixels,), -torch.inf).to(image)
        for places, logs, _ in self._spread(image, sources, log_weights):
            most = most.scatter_reduce(0, places, logs, "amax")
        sums, total = torch.zeros(len(image), pixels).to(image), torch.zeros(pixels).to(image)
        for places, logs, colours in self._spread(image, sources, log_weights):
            off = logs - most[places]
            each = (off == 0).to(image) if best_only else off.exp()
            sums = sums.index_add(1, places, colours * each)
            total = total.index_add(0, places, each)
        filled = (sums / total.clamp(min=1e-6)).view_as(image)
        return torch.where(self.known, image, filled)

    def _spread(self, image, sources, log_weights):
        """Part by part: pixels that targets cover, [t 49], their weights, and their colours."""
        width, inside = image.shape[2], torch.arange(SIDE)
        offsets = inside[:, None] * width + inside
        patches = _patches(image)
        at_once = max(AT_ONCE // (len(image) * SIDE**2), 1)
        parts = (part.split(at_once) for part in (self.targets, sources, log_weights))
        for here, there, logs in zip(*parts, strict=True):
            corners = here[:, 0] * width + here[:, 1]
            places = (corners[:, None, None] + offsets).flatten()
            colours = patches[:, there[:, 0], there[:, 1]].flatten(1)  # [C, t 49]
            yield places, logs.repeat_interleave(SIDE**2), colours

    def _best(self, image):
        """Of all sources, for each target the most alike one."""
        patches = _patches(image)
        sources = patches[:, self.all_sources[:, 0], self.all_sources[:, 1]]
        sources = sources.transpose(0, 1).flatten(1)  # [S, C 49]
        lengths = sources.square().sum(dim=1)
        chosen, distances = [], []
        for part in self.targets.split(max(AT_ONCE // len(sources), 1)):
            of = patches[:, part[:, 0], part[:, 1]].transpose(0, 1).flatten(1)
            least, place = (lengths - 2 * of @ sources.T).min(dim=1)
            chosen.append(self.all_sources[place])
            distances.append((least + of.square().sum(dim=1)).clamp(min=0))
        return torch.cat(chosen), torch.cat(distances)

    def _of_neighbours(self, sources, step):
        """What the sources of patches a step away suggest."""
        limits = torch.tensor([self.rows - 1, self.columns - 1])
        at = torch.minimum((self.targets + step).clamp(min=0), limits)
        of = self.number[tuple(at.T)]
        return torch.where(of[:, None] >= 0, sources[of] + self.targets - at, sources)

    def _better_of(self, patches, sources, distances, tried):
        tried = torch.where(self._fit(tried)[:, None], tried, sources)
        found = self._distances(patches, tried)
        nearer = found < distances
        return torch.where(nearer[:, None], tried, sources), torch.where(nearer, found, distances)

    def _distances(self, patches, sources):
        """Sums of squares between targets and sources: [T]."""
        found, at_once = [], max(AT_ONCE // (len(patches) * SIDE**2), 1)
        for here, there in zip(self.targets.split(at_once), sources.split(at_once), strict=True):
            off = patches[:, here[:, 0], here[:, 1]] - patches[:, there[:, 0], there[:, 1]]
            found.append(off.square().sum(dim=(0, 2, 3)))
        return torch.cat(found)

    def _fit(self, corners):
        """Are these corners of sources? bool [T]."""
        limits = torch.tensor([self.rows, self.columns])
        inside = ((corners >= 0) & (corners < limits)).all(dim=1)
        at = torch.minimum(corners.clamp(min=0), limits - 1)
        return inside & self.is_source[tuple(at.T)]

    def _by_chance(self, n):
        picked = torch.randint(len(self.all_sources), (n,), generator=self.generator)
        return self.all_sources[picked]


def _patches(image):
    """All patches of an image [C, H, W], by their corners: a view [C, H - 6, W - 6, 7, 7]."""
    return image.unfold(1, SIDE, 1).unfold(2, SIDE, 1)


def _quantile(values, share):
    """The value below which a share of them lies, for any number of values."""
    return values.kthvalue(max(1, round(share * len(values)))).values.item()
