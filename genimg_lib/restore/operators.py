"""What a picture goes through before we see it: linear maps A, each with its adjoint A'.

measure(x): images [N, C, H, W] to what is seen of them, A x.
adjoint(y): back, A' y: the sum of measure(x) * y equals that of x * adjoint(y).
solve(y, variance, sigma): (variance A A' + sigma² I)^-1 y, where what is seen of images of that
    variance, with noise of sigma, has the covariance in brackets; sigma 0 takes the pseudoinverse.
fit(x, y): of all images of which y is seen, the one nearest to x: x + A' (A A')^-1 (y - A x).
"""

import functools

import torch

from genimg_lib.errors import unknown


class Mask:
    """Some pixels are seen, the others are 0; it is its own adjoint.

    seen: bool [H, W] or [N, 1, H, W], True where a pixel is known.
    Raises TypeError where it is not bool: 1 means "keep" for some and "fill" for others.
    """

    def __init__(self, seen):
        if seen.dtype != torch.bool:
            raise TypeError(
                f"expected a mask of bool, True where a pixel is known, got {seen.dtype}"
            )
        self.seen = seen

    def measure(self, x):
        return torch.where(self.seen, x, torch.zeros_like(x))

    def adjoint(self, y):
        return self.measure(y)

    def solve(self, y, variance=1.0, sigma=0.0):
        return self.measure(y) / (variance + sigma**2)

    def fit(self, x, y):
        return torch.where(self.seen, y, x)


class Blur:
    """A convolution of every channel, wrapped around the edges.

    kernel: [k, k], k odd, its middle on the pixel itself.
    Raises ValueError for another shape.
    """

    def __init__(self, kernel):
        if kernel.dim() != 2 or len(kernel) != kernel.shape[1] or len(kernel) % 2 == 0:
            raise ValueError(f"expected a kernel [k, k] with k odd, got {list(kernel.shape)}")
        self.kernel = kernel

    def measure(self, x):
        return self._filtered(x, lambda waves: waves)

    def adjoint(self, y):
        return self._filtered(y, torch.conj)

    def solve(self, y, variance=1.0, sigma=0.0):
        return self._filtered(y, lambda waves: _inverse(waves.abs().square(), variance, sigma))

    def fit(self, x, y):
        return x + self.adjoint(self.solve(y - self.measure(x)))

    def _filtered(self, x, turned):
        height, width = x.shape[-2:]
        k = len(self.kernel)
        if min(height, width) < k:
            raise ValueError(f"expected images of {k}x{k} pixels or more, got {height}x{width}")
        wide = torch.zeros(height, width, dtype=x.dtype, device=x.device)
        wide[:k, :k] = self.kernel
        wide = wide.roll((-(k // 2), -(k // 2)), (0, 1))
        return torch.fft.ifft2(torch.fft.fft2(x) * turned(torch.fft.fft2(wide))).real


class Shrink:
    """Made smaller by a whole number, as Pillow does it: rows and columns, one after the other.

    size: (H, W) of what goes in, multiples of scale. kernel: of KERNELS.
    antialias: is the kernel stretched by the scale, so that every pixel counts? Without, most
        pixels are not looked at, and patterns that are too fine come back as others.
    Raises ValueError for an unknown kernel or a size that is no multiple.
    Source: Keys 1981 for "bicubic", with a = -1/2.
    """

    def __init__(self, size, scale, kernel="bicubic", antialias=True):
        if kernel not in KERNELS:
            raise unknown("kernel", kernel, KERNELS)
        if scale < 1 or any(side % scale for side in size):
            raise ValueError(f"expected sides that are multiples of {scale}, got {size}")
        self.rows, self.columns = (_weights(side, scale, kernel, antialias) for side in size)

    def measure(self, x):
        return self.rows.to(x) @ x @ self.columns.to(x).T

    def adjoint(self, y):
        return self.rows.to(y).T @ y @ self.columns.to(y)

    def solve(self, y, variance=1.0, sigma=0.0):
        # A A' is a product of a matrix for rows and one for columns, and so are its eigenvectors
        (down, of_rows), (across, of_columns) = self._eigen
        down, across = down.to(y), across.to(y)
        values = of_rows[:, None] * of_columns
        turned = down.T @ y @ across
        return down @ (turned * _inverse(values, variance, sigma).to(y)) @ across.T

    def fit(self, x, y):
        return x + self.adjoint(self.solve(y - self.measure(x)))

    @functools.cached_property
    def _eigen(self):
        found = [torch.linalg.eigh(matrix @ matrix.T) for matrix in (self.rows, self.columns)]
        return [(vectors, values) for values, vectors in found]


def _inverse(values, variance, sigma):
    """1 / (variance values + sigma²); without noise, 0 where nothing comes through."""
    if sigma > 0:
        return 1 / (variance * values + sigma**2)
    nothing = values < 1e-10 * values.max()
    return torch.where(nothing, 0.0, 1 / (variance * values))


def _weights(side, scale, kernel, antialias):
    """[side / scale, side]: what each pixel of a small row takes of a large one."""
    reach, function = KERNELS[kernel]
    wide = scale if antialias else 1
    middles = (torch.arange(side // scale, dtype=torch.float64) + 0.5) * scale
    pixels = torch.arange(side, dtype=torch.float64) + 0.5
    distance = (pixels - middles[:, None]) / wide
    near = (-reach < distance) & (distance <= reach)  # of two pixels as far, one
    weights = torch.where(near, function(distance.abs()), 0.0)
    return weights / weights.sum(dim=1, keepdim=True)


def _box(distance):
    return torch.ones_like(distance)


def _triangle(distance):
    return 1 - distance


def _cubic(distance, a=-0.5):
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return torch.where(distance < 1, near, far)


def _lanczos(distance):
    return torch.sinc(distance) * torch.sinc(distance / 3)


# name: how far it reaches, and its value at a distance
KERNELS = {
    "box": (0.5, _box),
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _cubic),
    "lanczos": (3.0, _lanczos),
}
