"""The audit in monthly parts, and the chain of seals over it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0004_sign_in")]

    operations: list[object] = []
