"""What a remembered control is compared with, and ids that MariaDB and MySQL compare exactly."""

from typing import Any

from django.db import migrations, models


def compare_exactly(apps: Any, schema_editor: Any) -> None:
    """Let MariaDB and MySQL tell ids apart by case, and MariaDB by trailing spaces too. Others do."""
    connection = schema_editor.connection
    if connection.vendor == "mysql":
        collation = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_bin"
        _modify(apps, schema_editor, f"CHARACTER SET utf8mb4 COLLATE {collation}")


def compare_as_the_table(apps: Any, schema_editor: Any) -> None:
    """Give the column its table's collation back."""
    if schema_editor.connection.vendor == "mysql":
        _modify(apps, schema_editor, "")


def _modify(apps: Any, schema_editor: Any, collation: str) -> None:
    table = schema_editor.quote_name(apps.get_model("botstate", "ActionSnapshot")._meta.db_table)
    # A db_collation of the model's field would be asked of every database.
    schema_editor.execute(f"ALTER TABLE {table} MODIFY action_id varchar(255) {collation} NOT NULL")


class Migration(migrations.Migration):
    dependencies = [("botstate", "0009_thread_rung_us")]

    operations = [
        migrations.AddField(
            model_name="actionsnapshot",
            name="content",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        # In no transaction: MariaDB and MySQL take none of their ALTER TABLE back.
        migrations.RunPython(compare_exactly, compare_as_the_table, atomic=False),
    ]
