from django.db import migrations, models


class Migration(migrations.Migration):
    """Letters are written in five languages; a choice only, the column stays as it is."""

    dependencies = [("customers", "0004_contract_law")]

    operations = [
        migrations.AlterField(
            model_name="customer",
            name="language",
            field=models.CharField(
                choices=[
                    ("fr", "Français"),
                    ("en", "Anglais"),
                    ("de", "Allemand"),
                    ("es", "Espagnol"),
                    ("it", "Italien"),
                ],
                default="fr",
                max_length=2,
                verbose_name="langue",
            ),
        ),
    ]
