"""The content as people read it: the statements with what implements them, and the pathways."""

from __future__ import annotations

import base64
import hashlib

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from pathway import access, clock
from pathway.engine import svg
from pathway.selectors import coverage, drawings, pathway_pages, role_matrix
from pathway.web import pages

# A drawing has its own style sheet inside, named by its hash, and nothing else.
STYLE_HASH = base64.b64encode(hashlib.sha256(svg.STYLE.encode()).digest()).decode()
DRAWING_POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


@require_safe
@transaction.atomic
def statements(request: HttpRequest) -> HttpResponse:
    """Every statement; administrators see first whose review is overdue."""
    user, at = pages.user_of(request), clock.now()
    access.require_content(user)
    context = {
        "coverage": coverage.report(at.date()),
        "pathways": pathway_pages.every_pathway(),
        "shows_overdue": access.is_administrator(user),
    }
    return pages.render(request, "coverage", context)


@require_safe
@transaction.atomic
def roles(request: HttpRequest) -> HttpResponse:
    """Which role may do what, from what is enforced."""
    access.require_content(pages.user_of(request))
    context = {"roles": role_matrix.roles(), "lines": role_matrix.lines(), "pathways": pathway_pages.every_pathway()}
    return pages.render(request, "roles", context)


@require_safe
@transaction.atomic
def pathway(request: HttpRequest, slug: str) -> HttpResponse:
    access.require_content(pages.user_of(request))
    context = {"page": pathway_pages.page(slug, clock.now().date()), "pathways": pathway_pages.every_pathway()}
    return pages.render(request, "pathway", context)


@require_safe
@transaction.atomic
def drawing(request: HttpRequest, slug: str) -> HttpResponse:
    """The picture alone, to be opened at its full size."""
    access.require_content(pages.user_of(request))
    answer = HttpResponse(svg.draw(drawings.picture(slug)), content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = DRAWING_POLICY
    return answer
