"""Any folder of pictures: read into memory where they fit, else streamed.

Subfolders are classes (`cats/`, `dogs/`); where there are none but `train/` and `test/` (and a
validation split), those are splits, each with classes below it if it likes.
"""

import os
from collections import Counter
from pathlib import Path

import torch

from genimg_lib import machine_limits
from genimg_lib.data import photos
from genimg_lib.errors import DataError

ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".avif"),
    *(".tif", ".tiff", ".ppm", ".pgm"),
}
SPLITS = {"train", "test", "val", "valid", "validation"}
STRAY = 2  # pictures beside class folders are strays where those hold so many times as many
NAMED = 10  # broken pictures that an error names


class FolderImages(torch.utils.data.Dataset):
    """The pictures of a folder, each opened when asked for: uint8 [3, size, size].

    Of each the middle square. Links to folders are followed.
    say: is told in a sentence what was left out; also in the attribute `notes`.
    Raises DataError where there is no folder, no such split or no picture, and where folders named
    like splits stand beside others.
    """

    def __init__(self, path, split="train", size=64, say=print):
        self.root, self.size, self.notes = _root(path, split), size, []
        files, others, closed = _sorted_out(self.root)
        if others:
            self.notes.append(f"{self.root}: not taken {_counted(others)}")
        if closed:
            self.notes.append(f"{len(closed)} folders cannot be opened: {', '.join(closed[:3])}")
        if not files:
            raise DataError(
                f"there are no pictures in {self.root}; looked for files ending in"
                f" {', '.join(sorted(ENDINGS))}{'; ' * bool(others)}{_counted(others)}"
            )
        start = len(os.path.join(self.root, ""))
        beside = [path for path in files if os.sep not in path[start:]]
        inside = len(files) - len(beside)
        if inside >= STRAY * len(beside) > 0:
            names = ", ".join(map(os.path.basename, beside[:3])) + ", …" * (len(beside) > 3)
            self.notes.append(
                f"{self.root}: {len(beside)} beside the class folders left out: {names}"
            )
            files, beside = [path for path in files if os.sep in path[start:]], []
        elif inside and beside:
            self.notes.append(
                f"{self.root}: no labels, as {len(beside)} pictures lie beside the class folders"
            )
        self.files = files
        classes = [] if beside else [path[start:].partition(os.sep)[0] for path in files]
        self.names = tuple(sorted(set(classes)))
        number = {name: k for k, name in enumerate(self.names)}
        self.labels = torch.tensor([number[name] for name in classes]) if classes else None
        for note in self.notes if os.environ.get("RANK", "0") == "0" else ():
            say(note)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        return photos.square(photos.open_image(self.files[i]), self.size)


def _root(path, split):
    """The folder whose pictures are meant: that of the path, or its subfolder of the split."""
    root = Path(path).expanduser().absolute()
    if not root.is_dir():
        raise DataError(
            f"there is no folder {root}; give folder:PATH with the path of a folder of pictures"
        )
    with os.scandir(root) as entries:
        folders = {e.name for e in entries if not hidden(e.name) and _is(e.is_dir)}
    splits = folders & SPLITS
    # notes and models may lie beside; other folders of pictures are a question
    if splits & {"train", "test"}:
        folders = {name for name in folders if name in splits or _holds_pictures(root / name)}
    if splits & {"train", "test"} and folders > splits:
        raise DataError(
            f"{root} has folders named like splits ({', '.join(sorted(splits))}) beside others"
            f" ({', '.join(sorted(folders - splits)[:3])}): are they splits or classes? Give"
            f" folder:{root / split} for one, or rename them"
        )
    if splits & {"train", "test"}:
        if split not in splits:
            raise DataError(f"{root} has no subfolder {split}/, though it has the other split's")
        return root / split
    if split == "test":
        raise DataError(
            f"{root} has no images set apart for testing; put its pictures into subfolders"
            " train/ and test/"
        )
    return root


def _holds_pictures(folder):
    return any(os.path.splitext(path)[1].lower() in ENDINGS for path in _walk(str(folder), []))


def _sorted_out(root):
    """(paths of pictures in order, {ending: how many other files}, folders that stay closed)."""
    pictures, others, closed = [], Counter(), []
    for path in _walk(str(root), closed):
        ending = os.path.splitext(path)[1].lower()
        if ending in ENDINGS:
            pictures.append(path)
        else:
            others[ending] += 1
    # "\0" is in no name: folder by folder, each in order
    return sorted(pictures, key=lambda path: path.replace(os.sep, "\0")), others, closed


def _walk(folder, closed, above=()):
    """Paths of all files below a folder, links followed but for one that leads back up.

    closed: gets the folders that cannot be opened.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not hidden(entry.name)]
    except OSError:
        closed.append(folder)
        return
    for entry in entries:
        if _is(entry.is_dir):
            yield from _walk(entry.path, closed, (*above, real))
        elif _is(entry.is_file):
            yield entry.path


def _is(question):
    """The answer of an entry of a folder; False for a link that leads to itself."""
    try:
        return question()
    except OSError:
        return False


def _counted(others):
    """3 .heic (a telephone's ...), 1 .txt."""
    said = []
    for ending, count in others.most_common(5):
        advice = f" ({photos.ADVICE[ending]})" if ending in photos.ADVICE else ""
        said.append(f"{count:,} {ending or 'without an ending'}{advice}")
    return ", ".join(said)


def hidden(name):
    """Is it a name of what systems put beside people's files?"""
    return name.startswith(".") or name == "__MACOSX"


def load(path, split, size, n=None, seed=0):
    """(images uint8 [N, 3, size, size], labels int64 [N] or None, class names).

    n: how many, drawn without replacement by `seed`, and only these are read; left out, all, in
        the order of their names.
    Raises DataError where nothing is found, pictures are broken or memory is short, ValueError
    where there are fewer than n.
    """
    pictures = FolderImages(path, split, size)
    order = torch.arange(len(pictures))
    if n is not None:
        if n > len(pictures):
            raise ValueError(f"n is {n:,}, but folder:{path} has {len(pictures):,} images")
        order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:n]
    needed, free = len(order) * 3 * size * size, machine_limits.free_memory()
    if needed > free / 2:
        raise DataError(
            f"{len(order):,} pictures at {size}x{size} take {needed / 2**30:.1f} GiB, more than"
            f" half of the {free / 2**30:.1f} GiB that are free. Ask for a smaller size, or stream"
            f" them: run.batches(data.folder.FolderImages({str(path)!r}, size={size}), batch)"
        )
    images = torch.empty(len(order), 3, size, size, dtype=torch.uint8)
    broken = []
    for k, i in enumerate(order.tolist()):
        try:
            images[k] = pictures[i]
        except DataError as error:
            broken.append((pictures.files[i], error))
    if len(broken) == 1:
        raise broken[0][1]
    if broken:
        names = "\n".join(f"  {path}" for path, _ in broken[:NAMED])
        more = f"\n  and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        raise DataError(
            f"{len(broken):,} of {len(order):,} pictures cannot be read; remove or replace"
            f" them:\n{names}{more}"
        )
    labels = None if pictures.labels is None else pictures.labels[order]
    return images, labels, pictures.names
