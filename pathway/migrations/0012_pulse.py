"""How well the machinery keeps up, and what has fallen silent."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0011_calendars")]

    operations: list[object] = []
