from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoices", "0005_ageing_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                fields=["open_amount", "id"],
                condition=models.Q(("open_amount", 0), _negated=True),
                name="open_item_open_by_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                fields=["due_date", "id"],
                condition=models.Q(("disputed_amount__gt", 0)),
                name="open_item_disputed",
            ),
        ),
    ]
