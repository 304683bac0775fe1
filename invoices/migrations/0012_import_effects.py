import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoices", "0011_bank_lines_known_before")]

    operations = [
        migrations.CreateModel(
            name="ImportEffect",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "document",
                    models.CharField(
                        choices=[
                            ("ITEM", "Pièce"),
                            ("ALLOCATION", "Lettrage"),
                            ("DISPUTE", "Litige"),
                            ("CUSTOMER", "Client"),
                            ("CONTACT", "Contact"),
                        ],
                        max_length=10,
                        verbose_name="document",
                    ),
                ),
                ("object_id", models.BigIntegerField(verbose_name="identifiant")),
                ("before", models.JSONField(null=True, verbose_name="avant")),
                ("after", models.JSONField(null=True, verbose_name="après")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="effects",
                        to="invoices.importbatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "effet d’un lot",
                "verbose_name_plural": "effets des lots",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["document", "object_id"], name="import_effect_by_document"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("batch", "document", "object_id"), name="import_effect_once_per_document"
                    ),
                ],
            },
        ),
    ]
