"""The doors' addresses."""

from django.contrib import admin
from django.urls import include, path

from config import health
from pathway.admin import accounts
from pathway.web import status

accounts.close_other_doors()

urlpatterns = [
    path("livez", health.live, name="livez"),
    path("readyz", health.ready, name="readyz"),
    path("status", status.status, name="status"),
    path("metrics", status.metrics, name="metrics"),
    path("", include("pathway.signin.urls")),
    path("admin/", admin.site.urls),
    path("", include("pathway.web.urls")),
]

handler404 = "pathway.web.pages.not_found"
