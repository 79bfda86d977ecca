"""Saying who may do what is a right of its own; an access review names what it goes through."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("usecases", "0005_lanes_access_and_one_pagers")]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="usecase",
            options={
                "ordering": ["name"],
                "permissions": [
                    ("view_usecase", "See the use case"),
                    ("tune_usecase", "Turn its knobs"),
                    ("approve_usecase", "Approve its changes and set its guardrails"),
                    ("kill_usecase", "Send it to baseline and restore it"),
                    ("review_usecase", "Review its cases"),
                    ("add_usecase", "Create use cases"),
                    ("manage_access", "Say who may do what"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="accessreview",
            name="scope",
            field=models.CharField(default="every use case", max_length=200),
        ),
        migrations.AddField(
            model_name="historicalaccessreview",
            name="scope",
            field=models.CharField(default="every use case", max_length=200),
        ),
    ]
