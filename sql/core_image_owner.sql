-- title: Which series each set of images is counted for
-- grain: one set of images that a series has whose score may count tonight
-- key: image_digest
-- reads: core_standing, raw_series, raw_dispositions
-- privacy: keys
-- publish: no
-- column: series_key |  | key | random key of the series they are counted for
-- Of the series whose score of these images stands, and that rules, owner and rejections let count,
-- the one that was the first to be scored of them, whatever its headers said then. The sweep asks
-- this before it works (`Ledger`): images of another are not scored again.
with first_scored as (
    select
        d.series_key,
        d.image_digest,
        min(d.committed_at) as at
    from raw_dispositions as d
    where d.state = 'scored' and d.image_digest <> ''
    group by d.series_key, d.image_digest
)

select
    d.image_digest,
    arg_min(d.series_key, {'at': f.at, 'series_key': d.series_key}) as series_key
from core_standing as d
inner join raw_series as s on s.series_key = d.series_key
inner join first_scored as f on f.series_key = d.series_key and f.image_digest = d.image_digest
where
    d.state = 'scored'
    and len(coalesce(s.refused, [])) = 0
    and not s.is_conflicted
    and coalesce(s.rejection, '') = ''
group by d.image_digest
