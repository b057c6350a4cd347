"""The fixture for Playwright that comes with @seamark/web: a user's test, as a user runs it."""

import subprocess

from tests.support.web_browser import build_sdk
from tests.support.web_site import WEB, Site
from tests.system.browser.chromium import chromium


def test_a_test_with_playwright_sees_what_a_page_sends() -> None:
    build_sdk()
    binary = chromium()
    with Site() as site:
        done = subprocess.run(
            [str(WEB / "build.sh"), "testing", binary, site.url],
            check=False,
            capture_output=True,
            text=True,
            timeout=200,
        )
    assert done.returncode == 0, done.stdout + done.stderr
