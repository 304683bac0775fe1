from django.db import migrations

# The rule of `dunning.limitation` for one item with events, for lists of hundreds of thousands; one test holds both
# to the same answers. `infinity`: the period does not run while proceedings or mediation last.
PERIOD_END = """
CREATE FUNCTION dunning_period_end(start date, years integer, from_next_year boolean) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN from_next_year THEN make_date(extract(year FROM start)::integer + years, 12, 31)
                ELSE (start + make_interval(years => years))::date END
$$
"""
ACT_BY = """
CREATE FUNCTION dunning_act_by(
    item bigint, start date, years integer, from_next_year boolean, long_stop_years integer, least_months integer
) RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    event record;
    born date;
    ending date;
    later date;
    capped boolean := TRUE;
BEGIN
    SELECT least(start, min(happened_on)) INTO born FROM dunning_limitationevent
    WHERE item_id = item AND withdrawn_on IS NULL AND kind = 'PERFORMANCE';
    ending := dunning_period_end(born, years, from_next_year);
    FOR event IN
        SELECT kind, happened_on, ended_on FROM dunning_limitationevent
        WHERE item_id = item AND withdrawn_on IS NULL AND is_certain AND kind NOT IN ('PERFORMANCE', 'PART_PAYMENT')
        ORDER BY happened_on, id
    LOOP
        CONTINUE WHEN event.happened_on > ending;
        IF event.kind IN ('COURT_CLAIM', 'CLAIM_DECLARED', 'MEDIATION') AND event.ended_on IS NULL THEN
            RETURN 'infinity';
        END IF;
        capped := capped AND event.kind NOT IN ('COURT_CLAIM', 'CLAIM_DECLARED', 'ORDER_SERVED', 'ENFORCEMENT');
        IF event.kind = 'MEDIATION' THEN
            later := greatest(
                ending + (event.ended_on - event.happened_on),
                (event.ended_on + make_interval(months => least_months))::date
            );
        ELSIF event.kind IN ('COURT_CLAIM', 'CLAIM_DECLARED') THEN
            later := dunning_period_end(event.ended_on, years, from_next_year);
        ELSE
            later := dunning_period_end(event.happened_on, years, from_next_year);
        END IF;
        ending := greatest(ending, later);
    END LOOP;
    IF capped THEN
        ending := least(ending, (born + make_interval(years => long_stop_years))::date);
    END IF;
    RETURN ending;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dunning", "0010_post_answers"),
    ]

    operations = [
        migrations.RunSQL(PERIOD_END, "DROP FUNCTION dunning_period_end(date, integer, boolean)"),
        migrations.RunSQL(
            ACT_BY, "DROP FUNCTION dunning_act_by(bigint, date, integer, boolean, integer, integer)"
        ),
    ]
