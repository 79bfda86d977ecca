"""What was reported with a request is kept with its decision, so that thresholds on it can be replayed.

Decisions from before have none: nobody knows what was reported with them.
"""

from django.db import migrations, models

ADD = "ALTER TABLE routing_decision ADD COLUMN signals jsonb NOT NULL DEFAULT '{}'"


class Migration(migrations.Migration):
    dependencies = [("routing", "0003_what_came_when")]

    operations = [
        # Django leaves the table alone, which is not its own.
        migrations.AddField("decision", "signals", models.JSONField(default=dict)),
        migrations.RunSQL(ADD, "ALTER TABLE routing_decision DROP COLUMN signals"),
    ]
