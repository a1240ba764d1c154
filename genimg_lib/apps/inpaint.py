"""What `genimg inpaint` does: holes of a picture file filled, all else left as it is."""

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from genimg_lib import data, flow, pretrained, restore
from genimg_lib.apps import pictures
from genimg_lib.errors import DataError, unknown

WAYS = ("auto", "network", "patches", "portrait")
THICK = 12.0  # pixels from a hole's edge to its middle, above which patches look better
DEEPEST = 64  # of such pixels, that the network fills
NEAR = 8  # pixels between holes that are filled together
SOURCES = 160  # pixels around a hole that patches are taken from
TILE, OVERLAP = 512, 64  # pixels of a piece that the network fills, and what it sees around
MOST = 4_000_000  # pixels to fill
MOST_BY_PATCHES = 450_000  # patches that touch a hole
CALLS = 6  # of the flow, for a portrait
SEEDS = 2**63 - 1


class Hole(NamedTuple):
    """Hidden pixels that hang together, or nearly. rows, columns: of what is around them.

    hidden: bool, of that part of the picture. depth: pixels from its middle to what is known.
    """

    rows: slice
    columns: slice
    hidden: torch.Tensor
    depth: float


def inpaint_file(
    source, mask, out, samples=1, by="auto", overwrite=False, keep_white=False, seed=0, say=print
):
    """Write a picture with its holes filled; returns the paths, as many as samples.

    source: a picture file. mask: a picture of the same size, in black and white only: what is
        white is filled, what is black is kept to the bit; keep_white turns that round.
    out: a file ending in one of pictures.ENDINGS; with several samples, "-1", "-2" are put before
        the ending.
    by: "network" continues lines and shades from around the hole, "patches" copies what the picture
        shows elsewhere, "auto" takes patches where a hole is more than 24 pixels thick.
        "portrait" is for the course's portraits of 32x32 pixels, by a flow.
    samples: different fillings; patches and portraits have more than one. seed: of the first.
    Raises ValueError or DataError before any work: for greys in the mask, another size, nothing to
    fill or nothing to keep, several samples of what has one answer, a place that is taken.
    """
    if by not in WAYS:
        raise unknown("way", by, WAYS)
    if not 1 <= samples <= 99:
        raise ValueError(f"expected 1 to 99 samples, got {samples}")
    if not 0 <= seed <= SEEDS - samples:
        raise ValueError(f"expected a seed of 0 or more, below 2^63, got {seed}")
    places = [
        pictures.check_place(place, [source, mask], overwrite)
        for place in numbered(Path(out).expanduser(), samples)
    ]
    picture = pictures.read(source)
    seen = ~hidden_by(mask, picture.pixels.shape[1:], keep_white)
    check(seen, "black" if keep_white else "white", keep_white)
    fill = PortraitFiller(picture, seen) if by == "portrait" else Filler(picture, seen, by)
    if samples > 1 and not fill.has_several:
        raise ValueError(
            f"{samples} samples of what has one answer: the network has one, and these holes are"
            " thin; --by patches has several"
        )
    said = pictures.check_fits(picture, places[0])
    if places[0].suffix.lower() in (".jpg", ".jpeg"):
        said.append("a JPEG changes what is kept a little, too; .png keeps it to the bit")
    if picture.alpha is not None and (picture.alpha[0][~seen] == 0).any():
        picture.alpha = torch.where(seen, picture.alpha, 255)
        said.append("what is filled was transparent, and is opaque now")
    if (hidden := (~seen).double().mean().item()) > 0.5:
        other = "leave --keep-white out" if keep_white else "--keep-white"
        said.append(
            f"{hidden:.0%} of the picture is filled; {other} to read the mask the other way"
        )
    for sentence in said:
        say(sentence)
    for k, place in enumerate(places):
        picture.pixels = fill(seed + k)
        pictures.write(picture, place)
    return places


def numbered(out, samples):
    """The paths of so many results."""
    if samples == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{k + 1}{out.suffix}") for k in range(samples)]


def hidden_by(path, size, keep_white=False):
    """A mask file for a picture of a size (H, W): bool [H, W], True where it is to be filled."""
    mask = pictures.read(path)
    if mask.pixels.shape[1:] != torch.Size(size):
        (height, width), (its_height, its_width) = size, mask.pixels.shape[1:]
        turned = (its_width, its_height) == (height, width)
        why = " (one of them lies on its side, perhaps by its EXIF)" if turned else ""
        raise DataError(
            f"the mask {path} has {its_width}x{its_height} pixels, the picture {width}x{height}"
            f"{why}; expected the same"
        )
    if mask.alpha is not None:
        raise DataError(
            f"the mask {path} has transparent pixels; expected black and white, without them"
        )
    values = mask.pixels.amax(dim=0)
    greys = ((values > 0) & (values < 255)) | (mask.pixels.amin(dim=0) != values)
    if values.max() == 1:
        raise DataError(
            f"the mask {path} has no value above 1, so white would be black; expected 0 and 255"
        )
    if greys.any():
        raise DataError(
            f"{int(greys.sum()):,} pixels of the mask {path} are neither black nor white; expected"
            f" white where it is to be {'kept' if keep_white else 'filled'} and black elsewhere:"
            " draw it without soft edges, and save it as PNG"
        )
    return (values == 0) if keep_white else (values == 255)


def check(seen, filled, keep_white=False):
    """Raises ValueError for a mask with nothing to fill or to keep, or too much to fill.

    filled: the colour that says so.
    """
    other = "leave --keep-white out" if keep_white else "--keep-white"
    if seen.all():
        raise ValueError(
            f"the mask has no {filled}: there is nothing to fill; {other} to read it the other way"
            " round"
        )
    if not seen.any():
        raise ValueError(
            f"the mask is all {filled}: there is nothing to go by; {other} to read it the other way"
            " round"
        )
    if (n := int((~seen).sum())) > MOST:
        raise ValueError(
            f"the mask hides {n:,} pixels; expected {MOST:,} at most: make the picture smaller, or"
            " fill it part by part"
        )


class Filler:
    """A way to fill the holes of a picture: called with a seed, gives uint8 [1 or 3, H, W].

    Raises ValueError, before any work, for holes that the way cannot fill.
    """

    def __init__(self, picture, seen, by="auto"):
        self.pixels, self.seen = picture.pixels, seen
        self.visible = torch.ones_like(seen) if picture.alpha is None else picture.alpha[0] > 0
        self.thick = []
        found = holes(seen)
        for hole in found:
            if _by_patches(hole, seen & self.visible, by):
                self.thick.append(hole)
        self.has_several = bool(self.thick)
        thin = len(found) > len(self.thick)
        self.net = pretrained.load_inpainter() if thin else None

    def __call__(self, seed=0):
        from tqdm.auto import tqdm

        image = self.pixels.clone()
        if not self.visible.all():  # what is transparent has no colour of its own
            image = pictures.filled(image, self.visible & self.seen)
        result, seen = self.pixels.clone(), self.seen.clone()
        for hole in tqdm(self.thick, unit=" holes", desc="inpaint", disable=not self.thick):
            part = (slice(None), hole.rows, hole.columns)
            known = (self.seen & self.visible)[part[1:]]
            found = restore.patched(data.to_float(image[part][None]), known, seed)
            found = data.to_uint8(found.clamp(-1, 1))[0]
            for target in (image, result):
                target[part] = torch.where(hole.hidden, found, target[part])
            seen[part[1:]] |= hole.hidden
        if not seen.all():
            self._thin(image, result, seen)
        return result

    def _thin(self, image, result, seen):
        """What is still hidden, tile by tile, by the network; into the result."""
        height, width = seen.shape
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                rows, columns = slice(top, top + TILE), slice(left, left + TILE)
                hidden = ~seen[rows, columns]
                if not hidden.any():
                    continue
                around_rows, above = _wider(rows, OVERLAP, height)
                around_columns, before = _wider(columns, OVERLAP, width)
                part = image[:, around_rows, around_columns][None]
                found = by_network(self.net, part, seen[around_rows, around_columns])[0]
                found = found[:, above:, before:][:, : hidden.shape[0], : hidden.shape[1]]
                own = (slice(None), rows, columns)
                result[own] = torch.where(hidden, found, result[own])


def _by_patches(hole, known, by):
    """Is it filled by patches? Raises ValueError where neither way can."""
    part = known[hole.rows, hole.columns]
    can = restore.patches.has_sources(part)
    if by == "patches" and not can:
        raise ValueError(
            "around a hole no piece of 7x7 pixels is seen whole: there is nothing to copy; --by"
            " network needs none"
        )
    wanted = by == "patches" or (by == "auto" and hole.depth > THICK and can)
    if not wanted and hole.depth > DEEPEST:
        more = "make the picture smaller" if by == "auto" else "--by patches fills thicker ones"
        raise ValueError(
            f"a hole is {2 * hole.depth:,.0f} pixels thick; the network fills {2 * DEEPEST} at"
            f" most: {more}"
        )
    if wanted and (n := restore.patches.targets(part)) > MOST_BY_PATCHES:
        raise ValueError(
            f"{n:,} patches touch a hole; expected {MOST_BY_PATCHES:,} at most: make the picture"
            " smaller, or fill it part by part"
        )
    return wanted


def holes(seen):
    """The holes of a mask, bool [H, W], with what is around each: a list of `Hole`."""
    from scipy.ndimage import distance_transform_edt, find_objects, label

    hidden = ~seen
    grown = F.max_pool2d(hidden[None, None].float(), 2 * NEAR + 1, 1, NEAR)[0, 0] > 0
    labels, _ = label(grown.numpy())
    away = torch.from_numpy(distance_transform_edt(hidden.numpy()))
    found = []
    for k, (rows, columns) in enumerate(find_objects(labels), start=1):
        own = hidden[rows, columns] & torch.from_numpy(labels[rows, columns] == k)
        depth = away[rows, columns][own].max().item()
        around = SOURCES + int(depth)
        rows_around, top = _wider(rows, around, seen.shape[0])
        columns_around, left = _wider(columns, around, seen.shape[1])
        whole = torch.zeros(
            rows_around.stop - rows_around.start,
            columns_around.stop - columns_around.start,
            dtype=torch.bool,
        )
        whole[top : top + own.shape[0], left : left + own.shape[1]] = own
        found.append(Hole(rows_around, columns_around, whole, depth))
    return found


def _wider(part, by, length):
    """A slice with so many pixels more on both sides, where there are, and how many before."""
    start = max(part.start - by, 0)
    return slice(start, min(part.stop + by, length)), part.start - start


@torch.no_grad()
def by_network(net, pixels, known):
    """uint8 [N, 1 or 3, H, W], what is not known filled. known: bool [H, W]."""
    image = data.to_float(pixels).expand(-1, 3, -1, -1)
    found = net(restore.biharmonic(image, known), known[None, None]).clamp(-1, 1)
    found = found.mean(dim=1, keepdim=True) if pixels.shape[1] == 1 else found
    return torch.where(known, pixels, data.to_uint8(found))


class PortraitFiller:
    """A way to fill one of the course's portraits: called with a seed, gives uint8 [3, 32, 32].

    Raises ValueError for a picture of another size.
    """

    has_several = True

    def __init__(self, picture, seen):
        channels, height, width = picture.pixels.shape
        if (channels, height, width) != (3, 32, 32):
            raise ValueError(
                "portraits are those of the course, 32x32 pixels in colour (genimg sample); this"
                f" picture has {width}x{height}{' in grey' * (channels == 1)}"
            )
        self.pixels, self.seen = picture.pixels, seen
        self.net = pretrained.load_flow("inpainting_flow_portraits")

    def __call__(self, seed=0):
        x = data.to_float(self.pixels[None])
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        guess = flow.denoiser(flow.filling(self.net, x, self.seen[None, None]))
        found = flow.last(flow.ddim(guess, noise, flow.times(CALLS))).clamp(-1, 1)
        return torch.where(self.seen, self.pixels, data.to_uint8(found)[0])
