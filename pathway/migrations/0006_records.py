"""What becomes of records: merged, moved to another site, kept, erased."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0005_audit")]

    operations: list[object] = []
