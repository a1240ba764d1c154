"""The book: built without a warning, complete, alone, and right in a browser."""

import functools
import http.server
import itertools
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

import jupytext
import nbformat
import pytest
from browser import browser, chromium_missing, complaints, look

from genimg_lib.course import chapters, pictures

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install '.[book]'")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed: pip install '.[book]'")
from bs4 import BeautifulSoup
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "book" / "build.py"
NAMES = [c.name for c in chapters.CHAPTERS if (ROOT / "notebooks" / f"{c.name}.ipynb").exists()]
NOTEBOOKS = {
    name: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in NAMES
}
RAW_LATEX = re.compile(r"\$\$|\\[a-zA-Z]{2,}|\\[()\[\]]")
needs_browser = pytest.mark.skipif(bool(chromium_missing()), reason=chromium_missing() or "never")


class Book(NamedTuple):
    site: Path
    seconds: float
    status: int
    said: str  # on stderr: Sphinx's warnings

    @property
    def pages(self):
        return sorted(
            path.relative_to(self.site).as_posix()
            for path in self.site.rglob("*.html")
            if "_static" not in path.parts
        )

    @functools.cache  # noqa: B019, two books a session
    def page(self, path):
        return BeautifulSoup((self.site / path).read_text(encoding="utf-8"), "html.parser")

    def article(self, path):
        return self.page(path).select_one("article")

    def chapter(self, name):
        return self.article(f"notebooks/{name}.html")


def built(folder, *options):
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, BUILD, "--site", folder / "book", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return Book(folder / "book", time.monotonic() - start, done.returncode, done.stderr)


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    return built(tmp_path_factory.mktemp("book"))


def markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def letters(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def outputs(name):
    return [
        output
        for cell in NOTEBOOKS[name].cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def test_the_book_is_built_in_time_and_without_a_warning(book):
    assert (book.status, book.said) == (0, "")
    assert book.seconds < 120


def test_a_folder_that_is_no_book_is_left_alone(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "mine.txt").write_text("mine")
    refused = built(tmp_path)
    assert refused.status and "holds files that are no book" in refused.said
    assert "Traceback" not in refused.said
    assert (tmp_path / "book" / "mine.txt").read_text() == "mine"


def test_a_chapter_that_does_not_stand_is_named(tmp_path):
    refused = built(tmp_path, "--only", "98")
    assert refused.status and "98" in refused.said and "31_vae" in refused.said
    assert "Traceback" not in refused.said and not list(tmp_path.iterdir())


# ------------------------------------------------------------------ pages, links, pictures


def test_every_chapter_has_its_page_under_its_own_number(book):
    for name in NAMES:
        title = markdown(NOTEBOOKS[name]).splitlines()[0].removeprefix("# ")
        assert book.chapter(name).h1.get_text().removesuffix("#") == title
        part = chapters.PARTS.index(next(c.part for c in chapters.CHAPTERS if c.name == name))
        assert f"notebooks/{name}.html" in {
            a["href"] for a in book.article(f"part_{part}.html").select("a[href]")
        }
    titles = [
        a.get_text() for a in book.page("index.html").select("nav.bd-links li.toctree-l2 > a")
    ]
    assert titles == [
        markdown(NOTEBOOKS[name]).splitlines()[0].removeprefix("# ") for name in NAMES
    ]


def test_one_can_read_from_the_first_page_to_the_last(book):
    path, seen = "index.html", []
    while path:
        seen.append(path)
        following = book.page(path).select_one("a.right-next")
        path = (
            Path(unquote(urljoin(f"/{path}", following["href"]))).relative_to("/").as_posix()
            if following
            else None
        )
    assert set(book.pages) - set(seen) == {"search.html"} and len(seen) == len(set(seen))


def test_no_link_is_broken(book):
    anchors = {path: {tag["id"] for tag in book.page(path).select("[id]")} for path in book.pages}
    for path in book.pages:
        for link in book.page(path).select("a[href]"):
            if not re.match(r"https?:|mailto:", link["href"]):
                target, anchor = urldefrag(unquote(urljoin(f"/{path}", link["href"])))
                assert (book.site / target[1:]).is_file(), f"{path}: {link['href']}"
                assert not anchor or anchor in anchors[target[1:]], f"{path}: {link['href']}"


def test_every_picture_is_there_and_keeps_its_alternative_text(book):
    for path in book.pages:
        for picture in book.article(path).select("img") if book.article(path) else []:
            assert (book.site / Path(path).parent / unquote(picture["src"])).is_file(), (
                f"{path}: {picture['src']}"
            )
            assert len(picture.get("alt", "")) > 10, f"{path}: {picture['src']}"
    for name in NAMES:
        stored = re.findall(r"!\[([^\]]+)\]", markdown(NOTEBOOKS[name])) + [
            facts["alt"] for _, _, facts in filter(None, map(pictures.of_output, outputs(name)))
        ]
        assert [picture["alt"] for picture in book.chapter(name).select("img")] == [
            " ".join(alt.split()) for alt in stored
        ]


def test_a_picture_and_its_caption_are_one_figure(book):
    for name in NAMES:
        found = outputs(name)
        captions = [
            following.data["text/markdown"].strip("*")
            for output, following in itertools.pairwise(found)
            if pictures.of_output(output)
            and following.get("data", {}).get("text/markdown", "").startswith("*")
        ]
        shown = [
            figure.figcaption.get_text().strip()
            for figure in book.chapter(name).select("figure:has(img)")
        ]
        assert len(shown) == len(captions)
        for number, (text, caption) in enumerate(zip(shown, captions, strict=True), start=1):
            assert text.startswith(f"Figure {name[:2]}.{number} ") and letters(
                caption.split("$")[0]
            ) in letters(text)


def test_a_widget_is_its_picture_and_a_word_about_the_notebook(book):
    for name in NAMES:
        widgets = [
            o
            for o in outputs(name)
            if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
        ]
        notes = [note.get_text() for note in book.chapter(name).select(".live")]
        assert len(notes) == len(widgets)
        assert all(
            f"notebooks/{name}.ipynb" in note and "launch button" not in note for note in notes
        )
    for path in book.pages:
        text = book.page(path).get_text()
        assert (
            "VBox(children" not in text and "Loading widget" not in text and "<IPython" not in text
        ), path
        assert not book.page(path).select("script[type*=jupyter]"), path


def test_nothing_is_loaded_from_elsewhere(book):
    for path in book.pages:
        for tag in book.page(path).select(
            "script[src], link[href]:not([rel=next], [rel=prev], [rel=search], [rel=index]),"
            " img[src], iframe, source, video"
        ):
            address = tag.get("src") or tag.get("href") or ""
            assert not re.match(r"(https?:)?//", address), f"{path}: {tag}"
            assert (book.site / Path(path).parent / unquote(address.split("?")[0])).is_file(), (
                f"{path}: {tag}"
            )
    for sheet in book.site.rglob("*.css"):
        for address in re.findall(
            r"(?:@import\s+|url\()\s*['\"]?([^'\")\s;]+)", sheet.read_text(encoding="utf-8")
        ):
            assert not re.match(r"(https?:)?//", address), f"{sheet.name}: {address}"
            assert (
                address.startswith(("data:", "#"))
                or (sheet.parent / address.split("?")[0].split("#")[0]).exists()
            ), f"{sheet.name}: {address}"


def test_the_search_knows_every_chapter(book):
    index = (book.site / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"notebooks/{name}"' in index for name in NAMES)


# ------------------------------------------------------------------ formulas, papers


def test_no_raw_latex_is_left(book):
    for path in book.pages:
        body = book.page(path).body
        apart = {id(s) for tag in body.select(".math, pre, code, script") for s in tag.strings}
        text = "".join(s for s in body.strings if id(s) not in apart)
        assert not RAW_LATEX.search(text), f"{path}: {RAW_LATEX.search(text)}"
    for name in NAMES:
        text = re.sub(r"`[^`]*`", "", markdown(NOTEBOOKS[name]))
        inline = re.findall(r"\$[^$]+\$", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL))
        assert len(book.chapter(name).select("span.math")) >= len(inline), name


def test_every_equation_has_an_anchor_and_its_number(book):
    for name in NAMES:
        tags = re.findall(r"\\tag\{(\d+)\}", markdown(NOTEBOOKS[name]))
        equations = book.chapter(name).select("div.equation")
        assert [e.get("id") for e in equations] == [f"equation-{tag}" for tag in tags]
        assert [e.select_one("a.number").get_text() for e in equations] == [
            f"({tag})" for tag in tags
        ]
        assert all("tag" not in e.select_one(".math").get_text() for e in equations)


def test_numbers_in_the_text_lead_to_equations(book):
    for name in NAMES:
        text = re.sub(
            r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|^#.*$",
            " ",
            markdown(NOTEBOOKS[name]),
            flags=re.DOTALL | re.MULTILINE,
        )
        tags = set(re.findall(r"\\tag\{(\d+)\}", markdown(NOTEBOOKS[name])))
        far = re.findall(r"[Nn]otebook\s(\d\d),\sequation\s\((\d+)\)", text)
        near = (
            set(
                re.findall(
                    r"(?<![\w)])\((\d+)\)",
                    re.sub(r"[Nn]otebook\s\d\d,\sequation\s\(\d+\)", "", text),
                )
            )
            & tags
        )
        links = {
            a["href"]
            for a in book.chapter(name).select("p a[href], li a[href], figcaption a[href]")
        }
        assert {f"#equation-{n}" for n in near} <= links, name
        standing = {n[:2]: n for n in NAMES}
        assert {
            f"{standing[number]}.html#equation-{n}" for number, n in far if number in standing
        } <= links, name


def test_a_reference_to_an_equation_that_is_not_there_is_reported(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "references.bib").write_text("")
    (tmp_path / "index.md").write_text(
        "# Index\n\n```{toctree}\nnotebooks/13_distances\nnotebooks/16_gram_matrices\n```\n"
    )
    (tmp_path / "notebooks" / "13_distances.md").write_text(
        "# Distances\n\n$$a = b \\tag{1}$$\n\nBy (1), and not by (7), all is said.\n"
    )
    (tmp_path / "notebooks" / "16_gram_matrices.md").write_text(
        "# Gram\n\nSee notebook 13, equation (1), and notebook\n13, equation (2). Chapters 13 and"
        " 24. $x$, ($y$).\n"
    )
    options = ["-q", "-b", "html", "-c", ROOT / "book", tmp_path, tmp_path / "site"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options], capture_output=True, text=True
    )
    assert (
        done.stderr.count("WARNING") == 1
        and "notebooks/13_distances has no equation (2)" in done.stderr
    )
    pages = [
        BeautifulSoup(
            (tmp_path / "site" / "notebooks" / f"{name}.html").read_text(), "html.parser"
        ).article
        for name in ("13_distances", "16_gram_matrices")
    ]
    links = [[(a.get_text(), a["href"]) for a in page.select("section p a")] for page in pages]
    assert links == [
        [("(1)", "#equation-1")],
        [
            ("notebook 13, equation (1)", "13_distances.html#equation-1"),
            ("13", "13_distances.html"),
        ],
    ]
    assert [tag.get_text() for tag in pages[1].select(".together")] == [r"\(x\),", r"(\(y\))."]


def further_reading():
    """{title, letters and digits only: (chapter, line)} over all notebooks that stand.

    From their programs.
    """
    found = {}
    for name in chapters.standing():
        text = markdown(jupytext.read(ROOT / "notebooks" / f"{name}.py")).partition(
            "## Further reading"
        )[2]
        for line in re.findall(r"^- (.*(?:\n  .*)*)", text, flags=re.MULTILINE):
            found.setdefault(letters(re.search(r"\*([^*]+)\*", line)[1]), []).append((name, line))
    return found


def test_the_bibliography_holds_every_paper_of_the_further_reading(book):
    entries = {
        letters(entry.fields["title"]): entry
        for entry in parse_file(ROOT / "book" / "references.bib").entries.values()
    }
    recommended = further_reading()
    missing = [
        line for title, places in recommended.items() if title not in entries for _, line in places
    ]
    assert not missing, "add to book/references.bib"
    assert not set(entries) - set(recommended), (
        "no chapter recommends these papers of book/references.bib"
    )
    shown = book.article("bibliography.html")
    for title, places in recommended.items():
        fields = entries[title].fields
        for name, line in places:
            assert re.search(rf"\b{fields['year']}[a-z]?\b", line), f"{name}: {line}"
            assert re.findall(r"arXiv:([\d.]+\d)", line) == (
                [fields["eprint"]] if "eprint" in fields else []
            ), f"{name}: {line}"
            assert entries[title].persons["author"][0].last_names[-1] in line, f"{name}: {line}"
        (item,) = [li for li in shown.select("li") if letters(li.em.get_text()) == title]
        standing = {f"notebooks/{name}.html" for name, _ in places if name in NAMES}
        assert {a["href"] for a in item.select("a[href^=notebooks]")} == standing
        assert ("eprint" in fields) == bool(
            item.select(f'a[href="https://arxiv.org/abs/{fields.get("eprint")}"]')
        )


def test_every_symbol_stands_in_the_chapter_that_is_named(book):
    rows = [
        line.strip("| ").split(" | ")
        for line in (ROOT / "book" / "symbols.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    rows = [[cell.strip() for cell in row] for row in rows if row[0] != "symbol"]
    assert len(rows) > 30 and all(len(row) == 5 and all(row) for row in rows)
    programs = {
        name[:2]: (ROOT / "notebooks" / f"{name}.py").read_text(encoding="utf-8")
        for name in chapters.standing()
    }
    for symbol, _, _, _, chapter in rows:
        number = re.fullmatch(r"chapter\s(\d\d)", chapter)[1]
        for formula, code in re.findall(r"\$([^$]+)\$|`([^`]+)`", symbol):
            wanted = (formula or code).replace(r"\Vert\cdot\Vert", "").replace(r"\vert ", "|")
            assert number not in programs or wanted in programs[number], (
                f"{wanted} does not stand in {number}"
            )
            if len(formula) > 2:
                earlier = [
                    n
                    for n, text in programs.items()
                    if n < number and re.search(rf"\$[^$]*{re.escape(wanted)}(?![a-zA-Z])", text)
                ]
                assert not earlier, f"{wanted} stands already in {earlier[0]}"
    links = {a["href"] for a in book.article("symbols.html").select("td:last-child a")}
    assert links == {
        f"notebooks/{name}.html"
        for name in NAMES
        if any(row[-1].endswith(name[:2]) for row in rows)
    }


# ------------------------------------------------------------------ launch buttons


def test_there_are_no_launch_buttons_without_an_address(book):
    assert not [
        path for path in book.pages if re.search("colab|mybinder|github.com", str(book.page(path)))
    ]


def test_one_address_gives_launch_buttons_to_the_chapters_of_a_short_book(tmp_path):
    address = "https://github.com/someone/somewhere"
    book = built(tmp_path, "--repository", address, "--only", "11", "31")
    assert (book.status, book.said) == (0, "")
    chosen = {"00_start_here", "11_images_as_tensors", "31_vae"}
    assert {path.stem for path in (book.site / "notebooks").glob("*.html")} == chosen
    for name in chosen:
        links = [
            a["href"]
            for a in book.page(f"notebooks/{name}.html").select(".dropdown-launch-buttons a[href]")
        ]
        assert [
            link
            for link in links
            if link.startswith("https://colab.research.google.com/github/someone/somewhere/")
            and link.endswith(f"/notebooks/{name}.ipynb")
        ]
        assert [
            link
            for link in links
            if link.startswith("https://mybinder.org/v2/gh/someone/somewhere/")
            and f"notebooks/{name}.ipynb" in unquote(link)
        ]
        assert all(
            "launch button" in note.get_text() for note in book.chapter(name).select(".live")
        )


# ------------------------------------------------------------------ a browser


@pytest.fixture(scope="session")
def address(book):
    """The book, served from this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=book.site)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


READY = (
    "const done = arguments[0]; MathJax.startup.promise.then(() => requestAnimationFrame(() =>"
    " requestAnimationFrame(() => done())))"
)
PAGE = """
const pictures = [...document.images].filter(i => i.naturalWidth == 0).map(i => i.src);
const formulas = [...document.querySelectorAll(".math")]
    .filter(m => !m.querySelector("mjx-container svg") || m.querySelector("[data-mjx-error]"));
const resources = performance.getEntriesByType("resource").map(e => e.name)
    .filter(n => !n.startsWith(location.origin) && !n.startsWith("data:"));
const code = [...document.querySelectorAll("pre, code")];
code.forEach(c => c.style.display = "none");
const text = document.body.innerText;
code.forEach(c => c.style.display = "");
return {pictures, formulas: formulas.map(f => f.textContent), resources, text};
"""
LOOKS = """
const wide = [...document.querySelectorAll("article *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1);
const pictures = [...document.querySelectorAll("article img")].map(i => getComputedStyle(i));
const papers = pictures.filter(s => s.filter != "none");
const bare = pictures.filter(s => s.backgroundColor != "rgb(255, 255, 255)");
const end = e => e.getBoundingClientRect().right;
const cut = [...document.querySelectorAll(".cell_output table")]
    .filter(t => end(t) > end(t.parentElement) + 1);
return {width: document.scrollingElement.scrollWidth, inner: innerWidth, wide: wide.length,
        cut: cut.map(t => t.rows[0].innerText),
        filtered: papers.length, bare: bare.length,
        theme: document.documentElement.dataset.theme};
"""


@needs_browser
def test_every_page_looks_right_in_a_browser(book, address):
    with browser(1280, 900) as driver:
        for path in book.pages:
            look(driver, 1280)
            driver.get(address + path)
            driver.execute_async_script(READY)
            assert not complaints(driver), path
            page = driver.execute_script(PAGE)
            assert (page["pictures"], page["formulas"], page["resources"]) == ([], [], []), path
            assert not RAW_LATEX.search(page["text"]), f"{path}: {RAW_LATEX.search(page['text'])}"
            # the theme changes no width, so the dark is looked at once
            for width, dark in ((1280, False), (390, False), (390, True)):
                look(driver, width, dark=dark)
                driver.execute_async_script(READY)
                seen = driver.execute_script(LOOKS)
                assert seen["inner"] == width and seen["width"] <= width, (
                    f"{path} scrolls sideways at {width}: {json.dumps(seen)}"
                )
                assert not (width == 1280 and seen["cut"]), f"{path}: cut off: {seen['cut']}"
                assert seen["theme"] == ("dark" if dark else "light"), path
                assert seen["filtered"] == 0 and not (dark and seen["bare"]), (
                    f"{path}: pictures change their colours in the dark"
                )
            assert not complaints(driver), path


@needs_browser
def test_the_search_finds_a_word(book, address):
    from selenium.webdriver.support.ui import WebDriverWait

    with browser() as driver:
        driver.get(f"{address}search.html?q=autoencoder")
        links = WebDriverWait(driver, 20).until(
            lambda d: d.execute_script(
                "return [...document.querySelectorAll('#search-results a')].map(a => a.href)"
            )
        )
        assert any("notebooks/31_vae.html" in link for link in links)
        assert not complaints(driver)


@needs_browser
def test_the_book_can_be_read_from_disk(book):
    with browser() as driver:
        driver.get((book.site / "notebooks" / f"{NAMES[-1]}.html").as_uri())
        driver.execute_async_script(READY)
        assert driver.execute_script("return document.querySelectorAll('.math svg').length") > 10
        assert not complaints(driver)
