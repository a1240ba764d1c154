"""Widgets as a reader meets them: in JupyterLab, by mouse and by keyboard."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import jupytext
import pytest
from browser import browser, chromium_missing

if chromium_missing():
    pytest.skip(chromium_missing(), allow_module_level=True)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180  # for a notebook to start and run in profile quick, on two slow cores
NAMES = ("13_distances", "15_elbo")

# What the page knows about the notebook: cells that have run, and the errors among their outputs
STATE = r"""
const model = window.jupyterapp?.shell.currentWidget?.content?.model;
if (!model?.sharedModel) return null;
const code = model.sharedModel.toJSON().cells.filter(c => c.cell_type == "code");
const failed = cell => cell.outputs.filter(o => o.output_type == "error");
const where = cell => [cell.source].flat().join("");
const bad = cell => failed(cell).map(o => `${o.ename}: ${o.evalue} in\n${where(cell)}`);
const errors = code.flatMap(bad);
return {all: code.length, done: code.filter(c => c.execution_count).length, errors};
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab at work on copies of the notebooks, without outputs. Its address."""
    home = tmp_path_factory.mktemp("lab")
    (home / "course" / "notebooks").mkdir(parents=True)
    for name in NAMES:
        jupytext.write(
            jupytext.read(ROOT / "notebooks" / f"{name}.py"),
            home / "course" / "notebooks" / f"{name}.ipynb",
        )
    shutil.copytree(ROOT / "data" / "pictures", home / "course" / "data" / "pictures")
    with serving(home) as address:
        yield address


@contextmanager
def serving(home):
    """Run JupyterLab on home/course; its settings, files and kernels keep to home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    own |= {
        "GENIMG_PROFILE": "quick",
        "GENIMG_OUT": str(home / "out"),
        "GENIMG_CACHE": str(home / "cache"),
    }
    news = (
        home
        / "settings"
        / "@jupyterlab"
        / "apputils-extension"
        / "notification.jupyterlab-settings"
    )
    news.parent.mkdir(parents=True)
    # it would ask about them, over the page
    news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={home / 'course'}",
    ]
    options += [
        "--IdentityProvider.token=",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True",
    ]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | own,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/lab", server, home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()  # it ends its kernels first
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url, server, log):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def open_notebook(driver, lab, name):
    """Show a notebook whose kernel is ready; nothing has run."""
    driver.get(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    WebDriverWait(driver, SECONDS).until(
        lambda d: d.find_elements(By.CSS_SELECTOR, ".jp-NotebookPanel .jp-Cell")
    )
    ready = (
        "return window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status =="
        " 'idle'"
    )
    WebDriverWait(driver, SECONDS).until(lambda d: d.execute_script(ready))
    assert driver.execute_script(STATE)["done"] == 0


def wait_until_done(driver):
    """Wait for the last cell; fail at the first cell that ends with an error."""

    def done(d):
        state = d.execute_script(STATE)
        assert not state["errors"], "\n".join(state["errors"])
        return state["done"] == state["all"]

    WebDriverWait(driver, SECONDS, poll_frequency=0.5).until(
        done, "not all cells of the notebook have run"
    )


class Explore:
    """One explore widget on the page: a picture and knobs, one of them a slider."""

    def __init__(self, driver, handle):
        self.driver, self.handle = driver, handle
        self.area = handle.find_element(
            By.XPATH, "ancestor::div[contains(@class, 'jp-Cell-outputArea')]"
        )

    def show(self):
        """Bring it into view, as a reader who scrolls."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.handle)
        time.sleep(0.5)

    @property
    def picture(self):
        """The picture's address, or None between two pictures.

        Found and read in one step: a redraw puts a new element in the old one's place.
        """
        return self.driver.execute_script(
            "return arguments[0].querySelector('img')?.getAttribute('src')", self.area
        )

    @property
    def value(self):
        """The number beside the slider.

        aria-valuenow is rounded to one decimal, coarser than a small step.
        """
        text = self.driver.execute_script(
            "return"
            " arguments[0].closest('.widget-slider').querySelector('.widget-readout').textContent",
            self.handle,
        )
        return float(text.replace("\N{MINUS SIGN}", "-"))

    @property
    def ends(self):
        return float(self.handle.get_attribute("aria-valuemin")), float(
            self.handle.get_attribute("aria-valuemax")
        )

    def settled(self, before):
        """The picture after it has changed from `before` and stayed for a second."""
        WebDriverWait(self.driver, 20).until(
            lambda _: self.picture not in (None, before),
            "the slider moved, the picture did not change",
        )
        now = None
        while now is None or now != self.picture:
            now = self.picture
            time.sleep(1)
        assert not re.search(r"\w+Error", self.area.text), self.area.text
        return now


def explores(driver):
    """The explore widgets of the notebook that have a slider, looked up each time.

    JupyterLab takes cells off the page and puts others there as one scrolls.
    """
    boxes = driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output .widget-vbox")
    handles = [box.find_elements(By.CSS_SELECTOR, ".noUi-handle") for box in boxes]
    return [Explore(driver, found[0]) for found in handles if found]


def press(driver, *keys):
    """Press the last key while the others are held."""
    actions = ActionChains(driver)
    for key in keys[:-1]:
        actions.key_down(key)
    actions.send_keys(keys[-1])
    for key in reversed(keys[:-1]):
        actions.key_up(key)
    actions.perform()


def on_slider(driver):
    return driver.execute_script("return document.activeElement.classList.contains('noUi-handle')")


@pytest.fixture(scope="module", params=NAMES)
def page(lab, request):
    """A notebook in JupyterLab, all of its cells run, with keys alone."""
    with browser(1280, 900) as driver:
        open_notebook(driver, lab, request.param)
        press(driver, Keys.ESCAPE)
        press(driver, Keys.CONTROL, "a")
        press(driver, Keys.CONTROL, Keys.ENTER)
        wait_until_done(driver)
        yield driver


def test_the_keyboard_alone_leads_to_a_slider_and_moves_it(page):
    press(page, Keys.ESCAPE)
    assert not on_slider(page)
    for _ in range(300):
        press(page, Keys.TAB)
        if on_slider(page):
            break
    else:
        raise AssertionError("Tab does not lead to a slider")
    widget = Explore(page, page.switch_to.active_element)
    picture, value = widget.picture, widget.value
    there, back = (
        (Keys.ARROW_LEFT, Keys.ARROW_RIGHT)
        if value > sum(widget.ends) / 2
        else (Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    )
    press(page, there)
    changed = widget.settled(picture)
    assert widget.value != value
    assert page.switch_to.active_element == widget.handle  # the key can be pressed again
    press(page, back)
    assert widget.settled(changed) == picture
    assert widget.value == value


def test_a_slider_dragged_with_the_mouse_changes_the_picture(page):
    count = len(explores(page))
    assert count
    for number in range(count):
        explores(page)[number].show()
        widget = explores(page)[number]
        picture, value = widget.picture, widget.value
        ActionChains(page).drag_and_drop_by_offset(
            widget.handle, -60 if value > sum(widget.ends) / 2 else 60, 0
        ).perform()
        changed = widget.settled(picture)
        assert widget.value != value
        assert picture.startswith("data:image/png") and changed.startswith("data:image/png")
