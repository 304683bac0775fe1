from django.db import migrations, models

import invoices.models.items

# What a payer writes of a number: its digits, or the last of them, zeros in front lost.
FUNCTIONS_SQL = r"""
CREATE FUNCTION encours_number_digits(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$f$ SELECT ltrim(regexp_replace($1, '[^0-9]', '', 'g'), '0') $f$;
CREATE FUNCTION encours_number_tail(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$f$ SELECT ltrim(coalesce(substring($1 from '([0-9]+)[^0-9]*$'), ''), '0') $f$;
"""
BACKWARDS_SQL = "DROP FUNCTION encours_number_digits(text); DROP FUNCTION encours_number_tail(text)"


class Migration(migrations.Migration):
    dependencies = [("invoices", "0013_einvoice_statuses_attached")]

    operations = [
        migrations.RunSQL(FUNCTIONS_SQL, BACKWARDS_SQL),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                models.F("legal_entity"),
                invoices.models.items.NumberDigits("number"),
                condition=models.Q(("open_amount", 0), _negated=True),
                name="open_item_by_digits",
            ),
        ),
        migrations.AddIndex(
            model_name="openitem",
            index=models.Index(
                models.F("legal_entity"),
                invoices.models.items.NumberTail("number"),
                condition=models.Q(("open_amount", 0), _negated=True),
                name="open_item_by_tail",
            ),
        ),
    ]
