"""The functions of the ORM store's fast path, on PostgreSQL only."""

from django.db import migrations

from botstate.stores.orm.postgresql.functions import STORE_FUNCTIONS


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        STORE_FUNCTIONS.create(schema_editor.connection)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        STORE_FUNCTIONS.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("botstate", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
