"""Batches for ever, in another order each epoch, shared out between processes."""

import multiprocessing

import torch
from PIL import Image

from genimg_lib.data import photos
from genimg_lib.data.convert import to_float
from genimg_lib.errors import DataError
from genimg_lib.files import digest


class Batches:
    """Endless batches of tensors held on the device.

    Every epoch is a fresh permutation, which the processes share out between them.
    """

    def __init__(self, tensors, size, device, seed, rank=0, world=1):
        self.single = isinstance(tensors, torch.Tensor)
        if self.single:
            check_images(tensors)
        self.tensors = tuple(t.to(device) for t in ((tensors,) if self.single else tensors))
        if len({len(t) for t in self.tensors}) != 1:
            raise ValueError(
                f"expected tensors of the same length, got {[len(t) for t in self.tensors]}"
            )
        self.n, self.size, self.seed, self.rank, self.world, self.device = (
            len(self.tensors[0]),
            size,
            seed,
            rank,
            world,
            device,
        )
        self._check()

    def _check(self):
        if not 1 <= self.size * self.world <= self.n:
            raise ValueError(
                f"a batch of {self.size} in each of {self.world} processes cannot be had from"
                f" {self.n} images; give a size from 1 to {self.n // self.world}"
            )
        self.epoch, self.position = 0, 0
        self._order = self._permutation()

    @property
    def identity(self):
        """What tells these batches from others: sizes, seed, and the bytes of the first images."""
        first = [t[:8].cpu().numpy().tobytes() for t in self.tensors]
        return [self.n, self.size, self.seed, *(digest(b) for b in first)]

    def _permutation(self):
        g = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return torch.randperm(self.n, generator=g)

    def _indices(self):
        """The next batch's indices; the rest of an epoch that is too small is dropped."""
        if self.position + self.size * self.world > self.n:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._permutation()
        first = self.position + self.rank * self.size
        self.position += self.size * self.world
        return self._order[first : first + self.size]

    def __iter__(self):
        return self

    def __next__(self):
        i = self._indices().to(self.device)
        parts = tuple(_for_models(t[i]) for t in self.tensors)
        return parts[0] if self.single else parts

    def state_dict(self):
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state):
        self.epoch, self.position = state["epoch"], state["position"]
        self._order = self._permutation()


class StreamedBatches(Batches):
    """The same from a Dataset on disk, read ahead by a DataLoader's workers.

    Its items are uint8 images [C, H, W], Pillow images, or tuples with labels, which stay tuples.
    """

    def __init__(self, dataset, size, device, seed, rank=0, world=1, workers=None):
        # where processes are not forked, workers cannot be started from a notebook or an unguarded
        # program
        if workers is None:
            workers = 2 if multiprocessing.get_start_method() == "fork" else 0
        self.dataset, self.n, self.size, self.seed, self.rank, self.world = (
            dataset,
            len(dataset),
            size,
            seed,
            rank,
            world,
        )
        self.device, self.workers, self._loader = device, workers, None
        self._looked = False  # at the first images
        self._check()

    def __next__(self):
        if self._loader is None:
            ahead = StreamedBatches(
                self.dataset, self.size, self.device, self.seed, self.rank, self.world
            )
            ahead.load_state_dict(self.state_dict())
            # for ever; a copy runs ahead, this object counts what was used
            order = (ahead._indices().tolist() for _ in iter(int, 1))
            self._loader = iter(
                torch.utils.data.DataLoader(
                    self.dataset,
                    batch_sampler=order,
                    num_workers=self.workers,
                    collate_fn=collate,
                    generator=torch.Generator(),
                )
            )
        self._indices()
        try:
            images = next(self._loader)
        except DataError as error:  # a worker's comes with the worker's traceback in its text
            raise DataError(str(error).rpartition("DataError: ")[2].strip()) from None
        batch = _moved(images, self.device)
        if not self._looked:
            self._looked = True
            check_images(batch[0] if isinstance(batch, tuple) else batch)
        return batch

    @property
    def identity(self):
        """What tells these batches from others: sizes, seed, and the data set's path."""
        return [self.n, self.size, self.seed, str(getattr(self.dataset, "root", ""))]

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self._loader = None


def check_images(tensor):
    """Say so where float images [N, 1 or 3, H, W] lie in [0, 1]: those of models lie in [-1, 1]."""
    is_image = tensor.dim() == 4 and tensor.shape[1] in (1, 3) and tensor.is_floating_point()
    if not is_image or not tensor.numel():
        return
    low, high = tensor.aminmax()
    if low >= 0 and 0.5 < high <= 1:
        print(
            "these images lie in [0, 1]; models of the course are made for [-1, 1]: 2 * x - 1, if"
            " that is meant"
        )


def _moved(batch, device):
    """A loader's batch on the device, images as floats; tuples stay tuples."""
    if isinstance(batch, (tuple, list)):
        return tuple(_moved(part, device) for part in batch)
    if not isinstance(batch, torch.Tensor):
        raise TypeError(
            f"expected a Dataset whose items are tensors, or tuples of them, got"
            f" {type(batch).__name__}"
        )
    return _for_models(batch.to(device))


def as_tensors(item):
    """An item of somebody's Dataset with its Pillow images as uint8 [3, H, W]; in tuples too."""
    if isinstance(item, (tuple, list)):
        return tuple(as_tensors(part) for part in item)
    if isinstance(item, Image.Image):
        return photos.to_tensor(item)
    return item


def collate(items):
    """A batch of items, as torch's loader makes it, Pillow images among them."""
    items = [as_tensors(item) for item in items]
    images = [item[0] if isinstance(item, tuple) else item for item in items]
    sizes = {tuple(image.shape) for image in images if isinstance(image, torch.Tensor)}
    if len(sizes) > 1:
        raise DataError(f"a batch's images have several sizes, {sorted(sizes)[:4]}; resize them")
    return torch.utils.data.default_collate(items)


def _for_models(tensor):
    return to_float(tensor) if tensor.dtype == torch.uint8 and tensor.dim() >= 3 else tensor
