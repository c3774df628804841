"""When a thread was last rung for, so that the events of a burst ring once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("botstate", "0008_unchecked_references")]

    operations = [
        migrations.AddField(model_name="thread", name="rung_us", field=models.BigIntegerField(default=0, db_default=0)),
    ]
