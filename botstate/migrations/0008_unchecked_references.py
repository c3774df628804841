"""References of the hot path that the database does not check again.

Each check cost a lock of the row that is referred to, a trigger at the commit, and a plan of its own that a session may
have made while the table was small, and that then reads all of a large one.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("botstate", "0007_keyed_functions")]

    operations = [
        migrations.AlterField(
            model_name="threadlease",
            name="thread",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="lease",
                serialize=False,
                to="botstate.thread",
            ),
        ),
        migrations.AlterField(
            model_name="turn",
            name="receipt",
            field=models.OneToOneField(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="turn",
                to="botstate.receipt",
            ),
        ),
        migrations.AlterField(
            model_name="turn",
            name="thread",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="turns",
                to="botstate.thread",
            ),
        ),
    ]
