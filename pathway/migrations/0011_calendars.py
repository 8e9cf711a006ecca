"""Closures of a site, shift rules of activities, feeds of calendars."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0010_delivery")]

    operations: list[object] = []
