"""User agents: browser, operating system and class of device."""

import re
from dataclasses import dataclass
from typing import Final

import ua_parser

_LONGEST: Final = 512
_BOT: Final = re.compile(
    r"bot\b|bot[/;]|crawl|spider|slurp|headless|lighthouse|pagespeed|phantomjs|prerender|"
    r"facebookexternalhit|monitor|pingdom|uptime|preview|scanner|synthetic|gptbot",
    re.IGNORECASE,
)
_TV: Final = re.compile(
    r"smart-?tv|\btv\b|googletv|apple ?tv|hbbtv|netcast|web0s|webos\.tv|roku|bravia|crkey|aftt|"
    r"aftm|aftb|afts|aftn|viera|tizen.*\btv|playstation|xbox|nintendo",
    re.IGNORECASE,
)
_TABLET: Final = re.compile(
    r"ipad|tablet|playbook|silk/(?!.*mobile)|kindle|\bsm-[tx]\d|\bgt-p\d|nexus (?:7|9|10)\b|"
    r"pixel (?:c|tablet)\b|\blenovo tb|mediapad|\btab\b",
    re.IGNORECASE,
)
_MOBILE: Final = re.compile(
    r"mobi|iphone|ipod|blackberry|bb10|windows phone|opera mini|kaios|dalvik", re.IGNORECASE
)
_DESKTOP_SYSTEMS: Final = frozenset(
    {"Windows", "Mac OS X", "Mac OS", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS"}
    | {"FreeBSD", "OpenBSD", "NetBSD", "Solaris", "Red Hat", "SUSE", "Arch Linux", "Linux Mint"}
)
_PHONE_SYSTEMS: Final = frozenset({"iOS", "Windows Phone", "KaiOS", "BlackBerry OS", "Symbian OS"})


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says of itself; "" where it does not. `device` is never empty."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = "unknown"


def read_user_agent(text: str) -> Agent:
    """Parse the first 512 characters of a `User-Agent` header."""
    text = text[:_LONGEST].encode("utf-8", "replace").decode()
    if not text:
        return Agent()
    result = ua_parser.parse(text)
    browser, system = result.user_agent, result.os
    return Agent(
        browser=browser.family if browser else "",
        browser_version=_version(browser.major, browser.minor) if browser else "",
        os=system.family if system else "",
        os_version=_version(system.major, system.minor) if system else "",
        device=_device_class(
            text,
            family=result.device.family if result.device else "",
            system=system.family if system else "",
        ),
    )


def _version(major: str | None, minor: str | None) -> str:
    return ".".join(part for part in (major, minor) if part)


def _device_class(text: str, *, family: str, system: str) -> str:
    if family == "Spider" or _BOT.search(text):
        return "bot"
    if _TV.search(text):
        return "tv"
    if _TABLET.search(text):
        return "tablet"
    if _MOBILE.search(text) or system in _PHONE_SYSTEMS:
        return "mobile"
    if system == "Android":  # Android's browsers say "Mobile" on phones, and not on tablets
        return "tablet" if "Mozilla/" in text else "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else "unknown"
