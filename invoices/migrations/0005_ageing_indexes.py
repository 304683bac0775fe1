from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("invoices", "0004_search")]

    operations = [
        migrations.RemoveIndex(model_name="allocation", name="allocation_by_date"),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                condition=Q(reversed_on__isnull=True),
                fields=["allocated_on"],
                include=("debit", "credit", "amount"),
                name="allocation_by_date",
            ),
        ),
        migrations.RemoveIndex(model_name="openitem", name="open_item_open_by_customer"),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                condition=~Q(open_amount=0),
                fields=["customer", "currency", "due_date"],
                include=("open_amount", "issue_date", "legal_entity", "id"),
                name="open_item_open_by_customer",
            ),
        ),
    ]
