"""`genimg new NN_name`: a notebook pair with the anatomy of the course laid out."""

import re

from genimg_lib import files
from genimg_lib.course import chapters, first_cell

TEMPLATE = """# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {number} {title}
#
# *One sentence of promise: what you will have made, and understood, by the end.*
#
# ![What the reader will have made by the end.](../data/pictures/{name}.webp)
#
# **You need** notebook …
# The table below says how long it takes on which machine, and what to expect.

{first_cell}

# %%
from genimg_lib import data, plots, tables
from genimg_lib.training import start
from genimg_lib.widgets import explore

DATA = "portraits"  # or "fashion_mnist", "mnist", "folder:PATH"
run = start("{name}", steps=(60, 1_500, 60_000), batch=(32, 64, 512))

# %%
CHECKED = run.profile == "cpu" and DATA == "portraits"  # what the text says holds
print(f"profile {{run.profile}}, on {{run.device}}")
tables.show_expected("{name}", "images")

# %% [markdown]
# ## Why
# The problem, in words and one picture.

# %%
images = data.load(DATA, n=8).images
plots.show(plots.grid(images), alt="Eight images of the data set, side by side.")

# %% [markdown]
# ## The maths
# Derived, not asserted.
# Every symbol is defined where it first stands, and each result is checked by numbers at once.

# %% [markdown]
# ## Build
# The idea in a few lines, then proved equal to the library's version.

# %% [markdown]
# ## Train

# %% [markdown]
# ## Look and measure
# Grids with a real row beside them, curves, a metric beside its real-versus-real floor.

# %% [markdown]
# ## Explore
# What does one knob do? Predict, then move it.

# %%


def first(count):
    return plots.grid(images[:count], cols=8)


explore(first, alt="The first images of the set.", count=(1, 8, 4))

# %% [markdown]
# ## Break it
# Remove or spoil one part, predict, run, see.

# %%
run.report(images=len(images))
run.expect(images=(">=", 8))

# %% [markdown]
# ## Exercises
#
# ## What to remember
#
# ## Further reading
"""


def new(name):
    """Write notebooks/NAME.py and .ipynb.

    Raises ValueError for a name not of the form NN_name or of a number that is taken,
    FileExistsError where one is there already.
    """
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", name):
        raise ValueError(
            f"{name!r} is no notebook's name; names are two digits, an underscore and small"
            " letters: 22_dcgan"
        )
    import jupytext

    titles = {c.name: c.title for c in chapters.CHAPTERS}
    taken = [c for c in (*titles, *chapters.standing()) if c[:2] == name[:2] and c != name]
    if taken:
        raise ValueError(f"{name[:2]} is the number of {taken[0]}; nothing was written")
    folder = chapters.notebooks_folder()
    paths = [folder / f"{name}.py", folder / f"{name}.ipynb"]
    if there := [p for p in paths if p.exists()]:
        raise FileExistsError(f"{there[0]} is there already; nothing was written")
    title = titles.get(name, name[3:].replace("_", " ").capitalize())
    installing = f"{first_cell.HEAD}\n{first_cell.source()}"
    text = TEMPLATE.format(name=name, number=name[:2], title=title, first_cell=installing)
    notebook = jupytext.reads(text, fmt="py:percent")
    files.write_atomically(paths[0], text.encode())
    files.write_atomically(paths[1], jupytext.writes(notebook, fmt="ipynb").encode())
    return paths
