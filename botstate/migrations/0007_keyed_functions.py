"""The functions of keyed entries' fast path, on PostgreSQL only."""

from django.db import migrations

from botstate.stores.orm.postgresql.functions import KEYED_FUNCTIONS


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        KEYED_FUNCTIONS.create(schema_editor.connection)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        KEYED_FUNCTIONS.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("botstate", "0006_keyed_entries")]

    operations = [migrations.RunPython(create, drop)]
