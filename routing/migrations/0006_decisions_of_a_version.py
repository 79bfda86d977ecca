"""Decisions of one version, newest first, from one index: of an old version too, behind millions of newer decisions."""

from django.db import migrations

MADE = """
CREATE INDEX decision_version_at ON routing_decision (use_case, version, at DESC, id);
DROP INDEX decision_version;
"""
UNDO = """
CREATE INDEX decision_version ON routing_decision (use_case, version);
DROP INDEX decision_version_at;
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0005_block")]

    operations = [migrations.RunSQL(MADE, UNDO)]
