import django.db.models.deletion
from django.db import migrations, models


# (table, column, end of the name that Django gave the index of the foreign key)
_DROPPED = (
    ("invoices_allocation", "application_id", "245cd29f"),
    ("invoices_allocation", "credit_id", "821f56d5"),
    ("invoices_allocation", "debit_id", "e69b178d"),
    ("invoices_allocation", "import_batch_id", "b899e9d0"),
    ("invoices_bankline", "bank_account_id", "258cfe4f"),
    ("invoices_bankline", "statement_id", "80157293"),
    ("invoices_cashapplication", "bank_line_id", "bb04aab6"),
    ("invoices_cashapplication", "customer_id", "991d27cb"),
    ("invoices_cashapplication", "legal_entity_id", "b25835fa"),
    ("invoices_importrow", "batch_id", "57163c70"),
    ("invoices_matchproposal", "bank_line_id", "e976658a"),
    ("invoices_matchproposal", "credit_id", "71a7bd68"),
    ("invoices_openitem", "corrects_id", "2954988d"),
    ("invoices_openitem", "customer_id", "886a1a10"),
    ("invoices_openitem", "import_batch_id", "000ea8d0"),
    ("invoices_openitem", "legal_entity_id", "745b8b51"),
    ("invoices_proposalpart", "proposal_id", "7bb64e71"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_sync"),
        ("invoices", "0015_bank_lines_by_fingerprint"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # Left to itself, AlterField would check every foreign key of the ledger again.
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{table}_{column}_{mark}"',
                    f'CREATE INDEX "{table}_{column}_{mark}" ON {table} ({column})',
                )
                for table, column, mark in _DROPPED
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="allocation",
                    name="application",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="invoices.cashapplication",
                    ),
                ),
                migrations.AlterField(
                    model_name="allocation",
                    name="credit",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="invoices.openitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="allocation",
                    name="debit",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="invoices.openitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="allocation",
                    name="import_batch",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="invoices.importbatch",
                    ),
                ),
                migrations.AlterField(
                    model_name="bankline",
                    name="bank_account",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="invoices.bankaccount",
                    ),
                ),
                migrations.AlterField(
                    model_name="bankline",
                    name="statement",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="invoices.bankstatement",
                    ),
                ),
                migrations.AlterField(
                    model_name="cashapplication",
                    name="bank_line",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="invoices.bankline",
                    ),
                ),
                migrations.AlterField(
                    model_name="cashapplication",
                    name="customer",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                migrations.AlterField(
                    model_name="cashapplication",
                    name="legal_entity",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.legalentity",
                    ),
                ),
                migrations.AlterField(
                    model_name="importrow",
                    name="batch",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="invoices.importbatch",
                    ),
                ),
                migrations.AlterField(
                    model_name="matchproposal",
                    name="bank_line",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proposals",
                        to="invoices.bankline",
                    ),
                ),
                migrations.AlterField(
                    model_name="matchproposal",
                    name="credit",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="invoices.openitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="openitem",
                    name="corrects",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="invoices.openitem",
                    ),
                ),
                migrations.AlterField(
                    model_name="openitem",
                    name="customer",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                migrations.AlterField(
                    model_name="openitem",
                    name="import_batch",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="invoices.importbatch",
                    ),
                ),
                migrations.AlterField(
                    model_name="openitem",
                    name="legal_entity",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.legalentity",
                    ),
                ),
                migrations.AlterField(
                    model_name="proposalpart",
                    name="proposal",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="invoices.matchproposal",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="bankline",
            index=models.Index(
                condition=models.Q(("status", "OPEN")),
                fields=["booking_date", "id"],
                name="bank_line_open_by_day",
            ),
        ),
    ]
