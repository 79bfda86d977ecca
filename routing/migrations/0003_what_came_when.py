"""When the console learned of a decision or a verdict: what is new since a moment is found without reading the rest."""

import django.utils.timezone
from django.db import migrations, models

INDEX = "CREATE INDEX decision_received ON routing_decision (use_case, received_at)"


class Migration(migrations.Migration):
    dependencies = [("routing", "0002_decision_table")]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="received_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name="outcome",
            index=models.Index(fields=["use_case", "received_at"], name="outcome_received"),
        ),
        migrations.RunSQL(INDEX, "DROP INDEX decision_received"),
    ]
