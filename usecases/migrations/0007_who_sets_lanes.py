"""The groups risk and admin, where they are there already, may set shared lanes."""

from typing import Any, ClassVar

from django.db import migrations


def allow(apps: Any, schema_editor: Any) -> None:
    """Give the right to existing groups; it is not there yet, since rights are made after all migrations."""
    groups = apps.get_model("auth", "Group").objects.filter(name__in=["risk", "admin"])
    if not groups:
        return
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="usecases", model="lane"
    )
    right, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="set_lane", defaults={"name": "Make and set shared lanes"}
    )
    for group in groups:
        group.permissions.add(right)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("usecases", "0006_manage_access"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations: ClassVar = [migrations.RunPython(allow, migrations.RunPython.noop)]
