"""How messages reach people: channels, leases, personal settings."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0009_records_walls")]

    operations: list[object] = []
