"""Sphinx's settings for the book. It is built by book/build.py: `make book`."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MATHJAX = (
    Path(importlib.util.find_spec("mathjax").origin).parent
    / "static"
    / "mathjax"
    / "es5"
    / "tex-svg.js"
)
sys.path.insert(0, str(HERE))

import papers  # noqa: E402

project = "genimg"
author = "The makers of genimg"
copyright = "The makers of genimg. Code: MIT. Text and figures: CC BY 4.0"
language = "en"
extensions = ["myst_nb", "sphinxcontrib.bibtex", "extension"]

nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}
myst_enable_extensions = ["dollarmath", "colon_fence"]
bibtex_default_style = papers.NAME

html_title = project
html_theme = "sphinx_book_theme"
html_static_path = [str(HERE / "_static"), str(MATHJAX)]
html_css_files = ["book.css"]
html_favicon = str(HERE / "_static" / "favicon.svg")
html_math_renderer = "own_mathjax"
html_copy_source = False
html_context = {"default_mode": "auto"}
html_show_sphinx = False
html_use_index = False
html_theme_options = {
    "use_download_button": False,
    "show_navbar_depth": 2,
    "show_toc_level": 2,
    "navbar_persistent": [],
}


def setup(app):
    app.add_config_value("repository", "", "html", str)
    app.connect("config-inited", late_settings, priority=100)


def late_settings(app, config):
    """What depends on the command: where the sources are, and the launch buttons.

    Colab and Binder, where the repository's address is known.
    """
    config.bibtex_bibfiles = [str(Path(app.srcdir) / "references.bib")]
    if config.repository:
        config.html_theme_options |= {
            "repository_url": config.repository,
            "use_repository_button": True,
            "launch_buttons": {
                "colab_url": "https://colab.research.google.com",
                "binderhub_url": "https://mybinder.org",
                "notebook_interface": "jupyterlab",
            },
        }
