"""The one Django app."""

from django.apps import AppConfig


class PathwayConfig(AppConfig):
    """Care pathways."""

    name = "pathway"
    verbose_name = "Pathway"
