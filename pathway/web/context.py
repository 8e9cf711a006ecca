"""What every template may use."""

from __future__ import annotations

from django.http import HttpRequest


def nonce(request: HttpRequest) -> dict[str, object]:
    """The nonce of this answer's policy for script elements; asking for it puts it into the policy."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}
