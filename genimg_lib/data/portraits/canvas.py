"""Shapes as signed distances, and the canvas that they are painted on."""

import torch


def ellipse(x, y, rx, ry):
    """The distance to an ellipse, exact at its edge to first order.

    It is k (k - 1) / |(x / rx^2, y / ry^2)| with k = |(x / rx, y / ry)|.
    """
    u, v = x / rx, y / ry
    k = torch.sqrt(u * u + v * v)
    return k * (k - 1) / (torch.sqrt((u / rx) ** 2 + (v / ry) ** 2) + 1e-6)


def circle(x, y, r):
    return torch.sqrt(x * x + y * y) - r


def box(x, y, half_width, half_height, corner):
    qx, qy = x.abs() - half_width + corner, y.abs() - half_height + corner
    outside = torch.sqrt(qx.clamp(min=0) ** 2 + qy.clamp(min=0) ** 2)
    return outside + torch.maximum(qx, qy).clamp(max=0) - corner


def stroke(x, y, half_length, bend, half_thickness):
    """A stroke along y = bend (x / half_length)^2, round at both ends."""
    t = (x / half_length).clamp(-1, 1)
    return torch.sqrt((x - t * half_length) ** 2 + (y - bend * t * t) ** 2) - half_thickness


class Canvas:
    """Pictures [B, 3, P] being painted, and the coordinates of their pixels.

    X, Y in the picture's frame, x, y in the head's, all [B, P].
    """

    def __init__(self, rgb, X, Y, x, y, face, pixel):
        self.rgb, self.X, self.Y, self.x, self.y, self.face, self.pixel = (
            rgb,
            X,
            Y,
            x,
            y,
            face,
            pixel,
        )

    def paint(self, d, color, soft=0.0, opacity=1.0, within=None):
        """Lay a colour over the pixels where d is negative.

        d: [B, P], a signed distance.
        color: [B, 3] or [3].
        soft: the width of d's edge in picture units.
        within: another distance that has to be negative too.
        """
        coverage = (0.5 - d / max(soft, self.pixel)).clamp_(0, 1)
        if within is not None:
            coverage *= (0.5 - within / self.pixel).clamp_(0, 1)
        if opacity != 1.0:
            coverage *= opacity
        self.rgb.lerp_(color.view(-1, 3, 1).expand_as(self.rgb), coverage[:, None])

    def band(self, top, bottom):
        """The canvas between two heights of the picture, as a view: painting it paints here."""
        first, last = ((self.Y[0] < top).sum(), (self.Y[0] < bottom).sum())
        return Canvas(
            *(v[..., first:last] for v in (self.rgb, self.X, self.Y, self.x, self.y)),
            self.face,
            self.pixel,
        )

    def only(self, rows, draw):
        """Let draw(canvas) paint on the pictures `rows` (indices) alone."""
        if len(rows):
            part = Canvas(
                *(v[rows] for v in (self.rgb, self.X, self.Y, self.x, self.y)),
                {k: v[rows] for k, v in self.face.items()},
                self.pixel,
            )
            draw(part)
            self.rgb[rows] = part.rgb
