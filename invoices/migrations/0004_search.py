from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_search"), ("invoices", "0003_ageing")]

    operations = [
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(OpClass(Upper("number"), name="text_pattern_ops"), name="open_item_by_number"),
        ),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(fields=["total_amount"], name="open_item_by_amount"),
        ),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                fields=["due_date", "id"],
                condition=models.Q(("open_amount", 0), _negated=True),
                name="open_item_open_by_due_date",
            ),
        ),
    ]
