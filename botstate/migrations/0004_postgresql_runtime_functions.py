"""The functions of the runtime's fast path, on PostgreSQL only."""

from django.db import migrations

from botstate.runtime.postgresql.functions import RUNTIME_FUNCTIONS


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        RUNTIME_FUNCTIONS.create(schema_editor.connection)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        RUNTIME_FUNCTIONS.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("botstate", "0003_runtime_policies")]

    operations = [migrations.RunPython(create, drop)]
