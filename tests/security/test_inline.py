"""No code and no style stands inside a page, so that the policy may refuse all of both."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin

from tests.web.cast import Cast, signed_in
from tests.web.test_doors import NOTHING_YET, addresses

TEMPLATES = sorted((Path(settings.BASE_DIR) / "pathway" / "templates").rglob("*.html"))
INLINE = re.compile(
    r"""<style\b | \sstyle\s*= | \son[a-z]+\s*=\s*["'] | javascript: | hx-on | hx-vals=["']js: | hx-headers=["']js: |
    <script\b(?![^>]*\b(?:src=|type=["']application/json["'])) | http-equiv=["']refresh""",
    re.VERBOSE | re.IGNORECASE,
)


class Finder(HTMLParser):
    """Collects what the policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        is_code = tag == "script" and not given.get("src") and given.get("type") != "application/json"
        if tag == "style" or is_code or "style" in given:
            self.found.append(self.get_starttag_text() or tag)
        for name, value in attributes:
            elsewhere = name in ("src", "href", "action") and (value or "").startswith(("javascript:", "http", "//"))
            if elsewhere or name.startswith(("on", "hx-on")):
                self.found.append(f"{tag} {name}={value}")


def inline(html: str) -> list[str]:
    finder = Finder()
    finder.feed(html)
    return finder.found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_code_or_style_inside(template: Path) -> None:
    assert INLINE.findall(template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "html",
    [
        "<style>",
        '<p style="x">',
        '<a onclick="x">',
        '<a href="javascript:x">',
        "<script>x</script>",
        '<p hx-on:click="x">',
    ],
)
def test_what_is_inside_would_be_found(html: str) -> None:
    assert INLINE.search(html) and inline(html)


def test_no_page_has_code_or_style_inside(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for name, (here, _) in addresses(cast).items():
        if name not in NOTHING_YET:
            assert inline(client.get(here).content.decode()) == [], name


def test_no_page_of_the_administration_has_either(cast: Cast) -> None:
    client = signed_in(cast.superuser)
    lists = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    assert len(lists) > 10
    user = f"/admin/pathway/user/{cast.member.pk}/"
    for address in ["/admin/", *lists, f"{user}change/", f"{user}history/", "/admin/pathway/site/add/"]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert inline(answer.content.decode()) == [], address
