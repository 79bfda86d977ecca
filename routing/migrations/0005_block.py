"""Decisions once more as blocks of columns, so that a long history is read in seconds."""

import django.utils.timezone
from django.db import migrations, models

# Numbers of a million decisions hardly shrink, and unpacking them would take longer than reading them.
STORAGE = "ALTER TABLE routing_block ALTER COLUMN data SET STORAGE EXTERNAL"


class Migration(migrations.Migration):
    dependencies = [("routing", "0004_signals")]

    operations = [
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("use_case", models.CharField(max_length=80)),
                ("received_from", models.DateTimeField()),
                ("received_until", models.DateTimeField()),
                ("at_min", models.DateTimeField()),
                ("at_max", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
                ("memory", models.PositiveBigIntegerField()),
                ("format", models.PositiveSmallIntegerField()),
                ("data", models.BinaryField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"indexes": [models.Index(fields=["use_case", "received_from"], name="block_use_case")]},
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
