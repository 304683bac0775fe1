from django.db import migrations

import core.folding


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("core", "0002_folding")]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=core.folding.FoldedIndex("name", "account_code", name="customer_search"),
        ),
    ]
