"""How people sign in: what a site asks of them, tokens of service accounts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("pathway", "0003_grants")]

    operations: list[object] = []
