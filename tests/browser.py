"""Headless Chromium for the tests that look at pages.

`browser(width, height)` starts one, `chromium_missing()` says why there is none.
"""

import importlib.util
import shutil
import tempfile
from contextlib import contextmanager

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def chromium_missing():
    """What is not here and how to get it, in a sentence; empty where a browser can start."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed: pip install '.[test]'"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "Chromium is not installed: apt-get install chromium chromium-driver"
    return ""


@contextmanager
def browser(width=1280, height=900, dark=False):
    """A driver of a fresh Chromium whose page is width x height pixels.

    It and its profile are gone afterwards.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(
        prefix="genimg-browser-", ignore_cleanup_errors=True
    ) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(
            options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
        )
        try:
            look(driver, width, height, dark)
            # without focus, as headless in Chromium 150, JupyterLab knows no current panel
            driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
            yield driver
        finally:
            driver.quit()


def look(driver, width, height=900, dark=False):
    """Give the page another size, and the reader another taste in colours.

    A window has a least width, a page has none.
    """
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def complaints(driver):
    """What the console has said since the last call that a reader should not see.

    Errors, and files that did not come.
    """
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
