"""The map of the course as a picture: a box a chapter, an arrow to what builds on it.

The boxes stand in columns by depth: how many chapters have to be read before this one, one after
the other. Arrows run between the columns and through none of the boxes.
"""

import itertools
import random
import textwrap
from statistics import fmean

from genimg_lib import plots
from genimg_lib.course import chapters as course

READY, COMING, LINE = plots.COLORS[0], "white", "#8a8a8a"
WIDTH, HEIGHT = 0.75, 0.76  # of a box, where columns and rows are 1 apart
INCHES = 0.62  # from row to row
CAPITALS = {"gan": "GAN", "dcgan": "DCGAN", "elbo": "ELBO", "vae": "VAE", "vq": "VQ"}


def ready():
    """The names of the chapters that one can open."""
    return set(course.standing())


def draw(names, chapters=course.CHAPTERS):
    """The map as a figure, 8 inches wide.

    names: of the chapters whose boxes are filled; the others are hollow.
    chapters: all of them, each after those it needs.
    """
    columns, links = _columns(chapters)
    y = _heights(columns, links)
    x = {node: k for k, column in enumerate(columns) for node in column}
    alone = [c.name[:2] for c in chapters if c.name[:2] not in x]
    top = min([min(y.values()), *(y[node] - len(alone) for node in columns[0])])
    for row, number in enumerate(alone):  # neither needs nor is needed: in the upper left corner
        x[number], y[number] = 0, top + row
    low, high = min(y.values()), max(y.values())
    fig, axis = plots.figure(height=INCHES * (high - low + 1))
    axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(high + 0.5, low - 0.5))
    axis.axis("off")
    full = {name[:2] for name in names}
    for k, column in enumerate(columns[:-1]):
        _arrows(axis, k, column, [(a, b) for a, b in links if a in column], y, full)
    for chapter in chapters:
        number = chapter.name[:2]
        _box(axis, x[number], y[number], chapter.name, number in full)
    return fig


def filled(fig):
    """The numbers of the chapters whose boxes are filled in a figure that `draw` gave."""
    from matplotlib.colors import to_rgba

    boxes = [box for box in fig.axes[0].patches if box.get_gid()]
    return {box.get_gid() for box in boxes if box.get_facecolor() == to_rgba(READY)}


def depths(chapters):
    """{number: depth}: 0 for a chapter that needs none, else one more than the deepest it needs."""
    found = {}
    for chapter in chapters:
        found[chapter.name[:2]] = 1 + max((found[n] for n in chapter.needs), default=-1)
    return found


# ------------------------------------------------------------------------------------ where it goes


def _columns(chapters):
    """(columns, links): the nodes of each column in order, and the pairs that arrows join.

    A node is a chapter's number, or (number, column): where an arrow from that chapter passes
    through a column on its way to a later one. So a link always leads to the next column.
    """
    depth = depths(chapters)
    columns = [[] for _ in range(max(depth.values()) + 1)]
    links, used = [], {n for c in chapters for n in c.needs}
    for chapter in chapters:
        number = chapter.name[:2]
        if chapter.needs or number in used:
            columns[depth[number]].append(number)
        for needed in chapter.needs:
            passed = [(needed, k) for k in range(depth[needed] + 1, depth[number])]
            chain = [needed, *passed, number]
            links += [pair for pair in itertools.pairwise(chain) if pair not in links]
            for k, node in enumerate(passed, start=depth[needed] + 1):
                columns[k] += [node] if node not in columns[k] else []
    return _untangled(columns, links), links


def _untangled(columns, links, tries=40, sweeps=8):
    """The columns in the order that has the fewest crossings of those found from random starts.

    A sweep sorts every column by the mean place of its neighbours, in the column before it and then
    in the one after. Source: Sugiyama, Tagawa and Toda 1981.
    """
    shuffle = random.Random(0).shuffle
    orders = []
    for _ in range(tries):
        columns = [list(column) for column in columns]
        for column in columns:
            shuffle(column)
        for sweep in range(sweeps):
            _sweep(columns, links, forward=sweep % 2 == 0)
            orders.append([list(column) for column in columns])
    crossings = [_crossings(order, links) for order in orders]
    fewest = [o for o, n in zip(orders, crossings, strict=True) if n == min(crossings)]
    return min(fewest, key=lambda order: _length(order, links))


def _sweep(columns, links, forward):
    """Sort each column but the first (the last, if not forward) by its neighbours before it."""
    ordered = columns if forward else columns[::-1]
    for before, column in itertools.pairwise(ordered):
        place = {node: p / len(before) for p, node in enumerate(before)}
        near = {n: [place[m] for m in _neighbours(n, links) if m in place] for n in column}
        column.sort(key=lambda n, near=near: fmean(near[n]) if near[n] else 0.0)


def _length(columns, links):
    """How far arrows go up or down in all."""
    y = _heights(columns, links, rounds=5)
    return sum(abs(y[a] - y[b]) for a, b in links)


def _neighbours(node, links):
    return [b if a == node else a for a, b in links if node in (a, b)]


def _crossings(columns, links):
    place = {node: p for column in columns for p, node in enumerate(column)}
    found = 0
    for column in columns[:-1]:
        ends = [(place[a], place[b]) for a, b in links if a in column]
        pairs = itertools.combinations(ends, 2)
        found += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in pairs)
    return found


def _heights(columns, links, rounds=200):
    """{node: height}: every node as near to the mean of its neighbours as its column allows."""
    y = {node: float(p) for column in columns for p, node in enumerate(column)}
    near = {node: _neighbours(node, links) for node in y}
    for _ in range(rounds):
        for column in (*columns, *reversed(columns)):
            wanted = [fmean(y[m] for m in near[node]) if near[node] else y[node] for node in column]
            y |= zip(column, _apart(wanted), strict=True)
    return {node: round(4 * height) / 4 for node, height in y.items()}


def _apart(wanted):
    """Heights in this order, at least 1 apart, as near to the wanted ones as squares can tell.

    With each one's rank taken off it is isotonic regression, by pooling adjacent violators.
    """
    pools = []  # [sum, members]
    for rank, height in enumerate(wanted):
        pools.append([height - rank, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, members = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += members
    means = [total / members for total, members in pools for _ in range(members)]
    return [mean + rank for rank, mean in enumerate(means)]


# ---------------------------------------------------------------------------------- how it is drawn


def _box(axis, x, y, name, is_filled):
    """A chapter's box with its number and its name."""
    from matplotlib.patches import FancyBboxPatch

    face, ink = (READY, "white") if is_filled else (COMING, "#444444")
    box = FancyBboxPatch(
        (x - WIDTH / 2, y - HEIGHT / 2),
        WIDTH,
        HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.06",
        mutation_aspect=1 / INCHES,
        facecolor=face,
        edgecolor=READY if is_filled else LINE,
        linewidth=1.2,
        gid=name[:2],
        zorder=99,
    )
    axis.add_patch(box)
    words = [CAPITALS.get(word, word) for word in name[3:].split("_")]
    lines = textwrap.wrap(" ".join(words), 10, break_long_words=False)
    label = "\n".join([name[:2], *lines])
    axis.text(x, y, label, fontsize=7.5, ha="center", va="center", color=ink, zorder=100)


def _arrows(axis, k, column, links, y, full):
    """The arrows from one column to the next, each source's in a lane of its own.

    White under each source's lines breaks those below, so that a crossing is no junction.
    """
    arrival = _arrivals(links, y)
    lanes = _lanes(column, links, y, arrival)
    left, right = k + WIDTH / 2, k + 1 - WIDTH / 2
    for order, source in enumerate(column, start=1):
        lane = left + (right - left - 0.06) * lanes.get(source, 0.5)
        targets = [b for a, b in links if a == source]
        ends = [arrival[source, target] for target in targets]
        paths = [([left, lane, lane, right], [y[source], y[source], end, end]) for end in ends]
        for xs, ys in paths:
            axis.plot(xs, ys, "w", linewidth=4, solid_capstyle="butt", zorder=order)
        if isinstance(source, tuple):
            paths.append(([k - WIDTH / 2, left], [y[source], y[source]]))
        for xs, ys in paths:
            axis.plot(xs, ys, color=LINE, linewidth=1.1, zorder=order + 0.5)
        for target, end in zip(targets, ends, strict=True):
            if not isinstance(target, tuple):
                color = READY if target in full else LINE
                axis.plot(right - 0.03, end, ">", color=color, markersize=4.5, zorder=98)


def _arrivals(links, y):
    """{(source, target): height at which the arrow arrives}: several to one box, a little apart."""
    found = {}
    for target in {b for _, b in links}:
        sources = sorted((a for a, b in links if b == target), key=lambda a: y[a])
        middle = (len(sources) - 1) / 2
        for k, source in enumerate(sources):
            found[source, target] = y[target] + 0.25 * (k - middle)
    return found


def _lanes(column, links, y, arrival):
    """{source: place between two columns, 0 to 1} for the vertical parts of arrows.

    Sources whose vertical parts would lie over each other get different lanes: of those that lead
    down the lowest turns first, of those that lead up the highest, so that they do not cross.
    """
    spans = {}
    for source in column:
        ends = [arrival[a, b] for a, b in links if a == source]
        if any(end != y[source] for end in ends):
            spans[source] = (min([y[source], *ends]), max([y[source], *ends]))
    down = [s for s in spans if fmean(spans[s]) >= y[s]]
    turns = [*reversed(down), *(s for s in spans if s not in down)]
    lanes = []
    for source in turns:
        low, high = spans[source]
        free = (lane for lane in lanes if all(_clear(spans[s], low, high) for s in lane))
        if (lane := next(free, None)) is not None:
            lane.append(source)
        else:
            lanes.append([source])
    return {s: (n + 1) / (len(lanes) + 1) for n, lane in enumerate(lanes) for s in lane}


def _clear(span, low, high, gap=0.4):
    return high + gap < span[0] or span[1] + gap < low
