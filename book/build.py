"""`make book`: the notebooks, with their stored outputs, as a site. No notebook is run.

Sphinx reads what `sources` lays out in a temporary folder: the pages of this folder, a page for
each part of the course, and the notebooks, in which a picture and the caption below it have become
one figure, and a widget a line that says where to find it alive.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from pybtex.database import parse_file

from genimg_lib.course import chapters, first_cell, readme
from genimg_lib.course import pictures as stored_pictures

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
COVER = re.compile(r"^!\[(?P<alt>[^\]]+)\]\(\.\./(?P<path>[^)]+)\)$", re.MULTILINE)
PROMISE = re.compile(r"^\*(?P<text>[^*].*?)\*$", re.MULTILINE | re.DOTALL)
NOTEBOOK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>[\w/.]+\.ipynb)\)")
LIVE = (
    "The controls of this figure work in the notebook: type `make lab` and open"
    " `notebooks/{name}.ipynb`{launch}."
)
LAUNCH = ", or press the launch button at the top of this page"


def build(site, repository=None, only=()):
    """Make the site in a folder, anew; returns Sphinx's exit status.

    repository: the address behind the launch buttons, if not the project's.
    only: names of the chapters that get a page; all that stand, if empty. The front page leads to
        the first one, which is always there.

    Raises FileExistsError where the folder holds something that is no book.
    """
    from sphinx.cmd.build import build_main

    if site.exists() and any(site.iterdir()) and not (site / ".buildinfo").exists():
        raise FileExistsError(f"{site} holds files that are no book; name another folder")
    repository = first_cell.repository() if repository is None else repository
    with tempfile.TemporaryDirectory(prefix="genimg-book-") as folder:
        for path, content in sources(bool(repository), only).items():
            file = Path(folder) / "sources" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        options = [
            "-q",
            "-b",
            "html",
            "-c",
            str(HERE),
            "-d",
            f"{folder}/doctrees",
            "-D",
            f"repository={repository}",
        ]
        status = build_main([*options, f"{folder}/sources", f"{folder}/site"])
        if not status:
            shutil.rmtree(site, ignore_errors=True)
            shutil.move(f"{folder}/site", site)
    return status


def sources(launch=False, only=()):
    """What Sphinx reads: {path: bytes}."""
    notebooks = {
        c.name: nbformat.read(_stored(c), as_version=4)
        for c in chapters.CHAPTERS
        if _stored(c).exists() and (not only or c.name in only)
    }
    files = {
        f"data/pictures/{p.name}": p.read_bytes() for p in (ROOT / "data" / "pictures").iterdir()
    }
    exercises = {
        c.name: nbformat.read(_stored(c, "exercises"), as_version=4)
        for c in chapters.CHAPTERS
        if _stored(c, "exercises").exists()
    }
    pages = {f"{name}.ipynb" for name in notebooks} | {
        f"exercises/{name}.ipynb" for name in exercises
    }
    for name, notebook in notebooks.items():
        files |= _page(name, notebook, pages, launch)
    for name in notebooks.keys() & exercises.keys():
        files[f"notebooks/exercises/{name}.ipynb"] = nbformat.writes(exercises[name]).encode()
    parts = {
        f"part_{n}": (f"Part {n}: {part}", [c for c in chapters.CHAPTERS if c.part == part])
        for n, part in enumerate(chapters.PARTS)
    }
    parts = {
        page: part for page, part in parts.items() if any(c.name in notebooks for c in part[1])
    }
    texts = {
        f"{page}.md": _part(title, of_part, notebooks) for page, (title, of_part) in parts.items()
    }
    texts["index.md"] = (
        (HERE / "index.md")
        .read_text(encoding="utf-8")
        .replace("<!-- parts -->", _contents(parts, notebooks))
    )
    texts |= {
        name: (HERE / name).read_text(encoding="utf-8")
        for name in ("symbols.md", "bibliography.md")
    }
    texts["references.bib"] = references(notebooks)
    return files | {path: text.encode() for path, text in texts.items()}


def _stored(chapter, folder="."):
    return chapters.notebooks_folder() / folder / f"{chapter.name}.ipynb"


# ------------------------------------------------------------------ notebooks


def _page(name, notebook, pages, launch):
    """A notebook for Sphinx, and its pictures: {path: bytes}.

    pages: the notebooks that the book has, as seen from this one.
    """
    notebook.metadata.pop("widgets", None)
    if f"exercises/{name}.ipynb" in pages:
        notebook.cells.append(nbformat.v4.new_markdown_cell(_toctree([f"exercises/{name}"])))
    live, pictures = LIVE.format(name=name, launch=LAUNCH if launch else ""), {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = list(_outputs(cell.outputs, name[:2], pictures, live))
        else:
            cell.source = NOTEBOOK.sub(
                lambda link: (
                    link[0] if link["path"] in pages else f"{link['text']} (`{link['path']}`)"
                ),
                cell.source,
            )
    return {f"notebooks/{name}.ipynb": nbformat.writes(notebook).encode()} | {
        f"notebooks/{path}": png for path, png in pictures.items()
    }


def _outputs(outputs, number, pictures, live):
    """A cell's outputs, ready for the page. The pictures go into `pictures`."""
    outputs, captioned = list(outputs), sum("plain" not in path for path in pictures)
    while outputs:
        output = outputs.pop(0)
        data = output.get("data", {})
        if "application/vnd.jupyter.widget-view+json" in data:
            yield _markdown(f"::::{{container}} live\n{live}\n::::")
        elif stored := stored_pictures.of_output(output):
            content, ending, facts = stored
            caption = _caption(outputs[0]) if outputs else None
            outputs = outputs[1:] if caption else outputs
            captioned += caption is not None
            name = captioned if caption else f"plain_{len(pictures)}"
            path = f"figures/{number}_{name}.{ending}"
            pictures[path] = content
            text = caption and f"**Figure {number}.{captioned}** {caption}"
            yield _markdown(_figure(path, facts, text))
        elif output.output_type == "display_data" and set(data) == {"text/plain"}:
            line = re.sub("━{12,}", "━" * 12, data["text/plain"])  # a progress bar
            yield nbformat.v4.new_output("stream", name="stdout", text=f"{line}\n")
        else:
            yield output


def _caption(output):
    text = output.get("data", {}).get("text/markdown", "").strip()
    return text[1:-1] if re.fullmatch(r"\*[^*].*\*", text, flags=re.DOTALL) else None


def _figure(path, metadata, caption):
    """A picture in MyST, with the alternative text and the width that it was stored with."""
    options = [f":alt: {json.dumps(' '.join(metadata['alt'].split()), ensure_ascii=False)}"]
    options += [f":width: {metadata['width']}px"] if "width" in metadata else []
    return "\n".join(
        [
            f"::::{{{'figure' if caption else 'image'}}} {path}",
            *options,
            *(["", caption] if caption else []),
            "::::",
        ]
    )


def _markdown(text):
    return nbformat.v4.new_output("display_data", data={"text/markdown": text})


# ------------------------------------------------------------------ parts and papers


def _toctree(pages):
    return "\n".join(["```{toctree}", ":hidden:", *pages, "```"])


def _link(chapter, notebooks):
    name = f"{chapter.name[:2]} {chapter.title}"
    return f"[{name}](notebooks/{chapter.name}.ipynb)" if chapter.name in notebooks else name


def _contents(parts, notebooks):
    """The parts on the first page: the chapters that stand as cards, and those to come."""
    blocks = [_toctree([*parts, "symbols", "bibliography"])]
    for n, part in enumerate(chapters.PARTS):
        of_part, page = [c for c in chapters.CHAPTERS if c.part == part], f"part_{n}"
        title = f"Part {n}: {part}"
        blocks.append(f"## [{title}]({page}.md)" if page in parts else f"## {title}")
        blocks.append(_cards([c for c in of_part if c.name in notebooks]))
        blocks.append(_to_come(of_part, notebooks))
    return "\n\n".join(block for block in blocks if block)


def _cards(standing):
    """Chapters as cards: cover, title, promise, minutes on the laptop of the stored outputs."""
    if not standing:
        return ""
    cards = []
    for chapter in standing:
        page = f"notebooks/{chapter.name}.ipynb"
        cover, minutes = readme.cover_of(chapter), readme.minutes_of(chapter)
        alt = f"Cover of chapter {chapter.name[:2]}"
        picture = f"[![{alt}](data/pictures/{cover.name})]({page})" if cover else ""
        title = f"**[{chapter.name[:2]} {chapter.title}]({page})**"
        time = f"\n\n*{minutes} on a laptop*" if minutes else ""
        text = f"{picture}\n\n{title}\n\n{chapter.promise}.{time}"
        cards.append(f":::{{container}} card\n{text.strip()}\n:::")
    return "\n".join(["::::{container} cards", *cards, "::::"])


def _to_come(chapters, notebooks):
    missing = [f"{c.name[:2]} {c.title}" for c in chapters if c.name not in notebooks]
    return f"To come: {'; '.join(missing)}." if missing else ""


def _part(title, chapters, notebooks):
    """The page of a part: for each chapter its promise, its picture, and what it builds on."""
    standing = [c for c in chapters if c.name in notebooks]
    blocks = [f"# {title}", _toctree(f"notebooks/{c.name}" for c in standing)]
    for chapter in standing:
        first = notebooks[chapter.name].cells[0].source
        cover, promise = COVER.search(first), PROMISE.search(first)
        blocks.append(f"## {_link(chapter, notebooks)}")
        blocks.append(" ".join(promise["text"].split()) if promise else "")
        blocks.append(
            f"[![{cover['alt']}]({cover['path']})](notebooks/{chapter.name}.ipynb)" if cover else ""
        )
        blocks.append(f"Builds on {_numbers(chapter.needs)}." if chapter.needs else "")
    return "\n\n".join(block for block in [*blocks, _to_come(chapters, notebooks)] if block)


def _numbers(numbers):
    return f"chapter{'s' * (len(numbers) > 1)} {' and '.join(', '.join(numbers).rsplit(', ', 1))}"


def plain(title):
    """A title's letters and digits, for comparison."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def further_reading(notebook):
    """The titles of the papers that a notebook recommends, plain."""
    text = "\n".join(
        cell.source for cell in notebook.cells if cell.cell_type == "markdown"
    ).partition("## Further reading")[2]
    return {plain(title) for title in re.findall(r"^- [^*]*\*([^*]+)\*", text, flags=re.MULTILINE)}


def references(notebooks):
    """book/references.bib, each paper with the chapters that recommend it."""
    papers = parse_file(HERE / "references.bib", bib_format="bibtex")
    recommended = {name[:2]: further_reading(notebook) for name, notebook in notebooks.items()}
    for entry in papers.entries.values():
        if chapters := [
            number
            for number, titles in recommended.items()
            if plain(entry.fields["title"]) in titles
        ]:
            entry.fields["note"] = _numbers(chapters).capitalize()
    return papers.to_string("bibtex")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Build the book from the notebooks and their stored outputs."
    )
    parser.add_argument(
        "--site", type=Path, default=ROOT / "out" / "book", help="folder of the finished site"
    )
    parser.add_argument(
        "--repository", help="address behind the launch buttons, instead of that in pyproject.toml"
    )
    parser.add_argument("--only", nargs="+", metavar="NN", help="pages of these chapters only")
    arguments = parser.parse_args()
    try:
        chosen = chapters.choose(["00", *arguments.only]) if arguments.only else ()
        status = build(arguments.site.resolve(), arguments.repository, chosen)
    except (FileExistsError, ValueError) as error:
        sys.exit(f"the book was not built: {error}")
    if status:
        sys.exit("the book was not built")
    print(f"the book: {arguments.site / 'index.html'}")
