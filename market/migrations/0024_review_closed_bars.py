from django.db import migrations

# A bar that is not closed yet may still change by itself, and is not decided about.
CREATE = """
    CREATE OR REPLACE VIEW data_to_review AS
    SELECT
        'bar:' || symbol || ':' || timeframe || ':' || extract(epoch FROM opened_at)::bigint AS id,
        'suspect' AS kind, symbol::text COLLATE "C" AS symbol, timeframe::text COLLATE "C" AS timeframe,
        opened_at AS at, provider::text COLLATE "C" AS source,
        format('open %s, high %s, low %s, close %s', open, high, low, close) AS says
    FROM candles WHERE suspect AND is_final AND provider <> 'built'
    UNION ALL
    SELECT
        'move:' || id, 'move', symbol::text COLLATE "C", timeframe::text COLLATE "C",
        date::timestamp AT TIME ZONE 'UTC', source::text COLLATE "C",
        format('closed at %s, opened at %s', close_before, open_after)
    FROM unexplained_moves WHERE answer = ''
    UNION ALL
    SELECT
        'refused:' || id, 'refused', symbol::text COLLATE "C", timeframe::text COLLATE "C",
        last_at, source::text COLLATE "C",
        format('%s, came %s x%s', replace(reason, '_', ' '), times, coalesce(', bar of ' || nullif(stamp, ''), ''))
    FROM refused_rows WHERE reviewed_at IS NULL
    UNION ALL
    SELECT
        'gap:' || id, 'gap', symbol::text COLLATE "C", timeframe::text COLLATE "C", first_at, '',
        format('bars missing: %s, %s, tried %s x', bars, reason, attempts)
    FROM gaps WHERE reviewed_at IS NULL AND reason <> 'no_trade'
    UNION ALL
    SELECT
        'disagreement:' || id, 'disagreement', symbol::text COLLATE "C",
        (CASE figure WHEN 'bars' THEN '15m' ELSE '1d' END) COLLATE "C",
        date::timestamp AT TIME ZONE 'UTC', provider::text COLLATE "C",
        format('%s: %s stored, %s from %s', figure, stored, given, other)
    FROM provider_disagreements WHERE reviewed_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0023_watchlists")]
    operations = [migrations.RunSQL(CREATE, migrations.RunSQL.noop)]
