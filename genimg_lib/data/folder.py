"""Any folder of pictures: read into memory where they fit, else streamed.

Subfolders are classes (`cats/`, `dogs/`); subfolders `train/` and `test/` are splits, each with
classes below it if it likes.
"""

from pathlib import Path

import torch

from genimg_lib.data import photos
from genimg_lib.errors import DataError

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


class FolderImages(torch.utils.data.Dataset):
    """The pictures of a folder, each opened when asked for: uint8 [3, size, size].

    Of each the middle square.
    """

    def __init__(self, path, split="train", size=64):
        root = Path(path).expanduser()
        if not root.is_dir():
            raise DataError(
                f"there is no folder {root}; give folder:PATH with the path of a folder of pictures"
            )
        if (root / "train").is_dir() or (root / "test").is_dir():
            if not (root / split).is_dir():
                raise DataError(
                    f"{root} has no subfolder {split}/, though it has the other split's"
                )
            root = root / split
        elif split == "test":
            raise DataError(
                f"{root} has no images set apart for testing; put its pictures into subfolders"
                " train/ and test/"
            )
        self.files = sorted(
            p
            for p in root.rglob("*")
            if p.suffix.lower() in ENDINGS and p.is_file() and not hidden(p.relative_to(root))
        )
        if not self.files:
            raise DataError(
                f"there are no pictures in {root}; looked for files ending in"
                f" {', '.join(sorted(ENDINGS))}"
            )
        self.root, self.size = root, size
        classes = [p.relative_to(root).parts[0] if p.parent != root else None for p in self.files]
        self.names = tuple(sorted({c for c in classes if c}))
        self.labels = (
            torch.tensor([self.names.index(c) for c in classes])
            if self.names and None not in classes
            else None
        )
        if self.labels is None:
            self.names = ()

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        return photos.square(photos.open_image(self.files[i]), self.size)


def hidden(path):
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def load(path, split, size):
    """(images uint8 [N, 3, size, size], labels int64 [N] or None, class names).

    Raises DataError where nothing is found, a picture is broken or memory is short.
    """
    import psutil

    pictures = FolderImages(path, split, size)
    needed, free = len(pictures) * 3 * size * size, psutil.virtual_memory().available
    if needed > free / 2:
        raise DataError(
            f"{len(pictures):,} pictures at {size}x{size} take {needed / 2**30:.1f} GiB, more than"
            f" half of the {free / 2**30:.1f} GiB that are free. Ask for a smaller size, or stream"
            f" them: run.batches(data.folder.FolderImages({str(path)!r}, size={size}), batch)"
        )
    images = torch.empty(len(pictures), 3, size, size, dtype=torch.uint8)
    for i in range(len(pictures)):
        images[i] = pictures[i]
    return images, pictures.labels, pictures.names
