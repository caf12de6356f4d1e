from django.db import migrations

# Prices as they are stored; no column of volume, whose type may change under the view.
CREATE = """
    CREATE VIEW data_to_review AS
    SELECT
        'bar:' || symbol || ':' || timeframe || ':' || extract(epoch FROM opened_at)::bigint AS id,
        'suspect' AS kind, symbol::text COLLATE "C" AS symbol, timeframe::text COLLATE "C" AS timeframe,
        opened_at AS at, provider::text COLLATE "C" AS source,
        format('open %s, high %s, low %s, close %s', open, high, low, close) AS says
    FROM candles WHERE suspect AND provider <> 'built'
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
        format('%s, %s times%s', replace(reason, '_', ' '), times, coalesce(', bar of ' || nullif(stamp, ''), ''))
    FROM refused_rows WHERE reviewed_at IS NULL
    UNION ALL
    SELECT
        'gap:' || id, 'gap', symbol::text COLLATE "C", timeframe::text COLLATE "C", first_at, '',
        format('%s bars missing, %s, tried %s times', bars, reason, attempts)
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
    dependencies = [("market", "0019_review_of_data")]
    operations = [migrations.RunSQL(CREATE, "DROP VIEW data_to_review")]
