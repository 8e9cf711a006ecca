"""Open a clinic: its time zone, its region, and the rule sets that it follows."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway import errors, office
from pathway.services import sites


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.split(",") if code.strip()]


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name, such as north-hospital")
        parser.add_argument("name", help="name for people")
        parser.add_argument("--time-zone", required=True, help="such as Europe/London")
        parser.add_argument("--region", required=True, help="whose licences of medicines hold: EU or US")
        parser.add_argument("--rule-sets", type=_codes, default=["core"], help="that act, separated by commas")
        parser.add_argument("--shadow", type=_codes, default=[], help="that are only recorded, separated by commas")
        parser.add_argument(
            "--fvc-equation",
            default="",
            help="compute percent of predicted FVC from litres by ecsc or nhanes3; without it percentages are entered",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        new = sites.NewSite(
            options["slug"], options["name"], options["time_zone"], options["region"], options["fvc_equation"]
        )
        try:
            site = office.open_site(new, active=options["rule_sets"], shadow=options["shadow"])
        except errors.Refused as refusal:
            raise CommandError(f"{refusal.field}: {refusal.reason}.") from refusal
        acting, watched = ", ".join(options["rule_sets"]) or "none", ", ".join(options["shadow"]) or "none"
        self.stdout.write(f"{site.slug} is open ({site.time_zone}, {site.region})")
        self.stdout.write(f"rule sets: {acting}; in shadow: {watched}")
        if site.fvc_equation:
            self.stdout.write(f"percent of predicted FVC: {site.get_fvc_equation_display()}")
        self.stdout.write(f"next: manage.py create_admin NAME --site {site.slug}")
