-- title: What stands of all that was made of a series, whatever rules and wishes say of it tonight
-- grain: one series of which something was made that stands
-- key: series_key
-- reads: raw_series, raw_dispositions, raw_runs
-- privacy: keys; scores of keyed people
-- publish: no
-- column: redo_reason |  | open | of a score that stands although more of the series came since: why that is not scored yet; else empty
-- A disposition counts only for the content it was made for. The row committed last wins, but a
-- pending row (tonight's rescore did not get to it) never hides a finished one.
-- Where a scan was worked by several models, what the last sweep's model and scoring version made of
-- it stands: a site that goes back to an earlier model has that model's scores again.
-- Where a series only grew, the score of what it was stands until the whole has its own, or was found
-- to be a copy. Which copies count is told of tonight: their rows say no more than what images they have.
with latest as (
    select
        d.*,
        row_number() over (
            partition by d.series_key, d.content_digest
            order by
                d.state = 'pending',
                d.committed_at desc nulls last,
                d.choose_version desc,
                d.scoring_version desc,
                d.model_digest desc
        ) as nth
    from raw_dispositions as d
    inner join raw_series as s on s.series_key = d.series_key
    where
        coalesce(d.reasons[1], '') not in ('identity_conflict', 'opted_out', 'duplicate_images_of')
        -- A refusal by rules that no longer refuse. Whether it is chosen is of tonight, too.
        and not (
            s.place_in_study is not null
            and d.state = 'ineligible'
            and coalesce(d.scoring_version, 0) = 0
        )
),

last_run as (
    select
        r.model_digest,
        r.scoring_version
    from raw_runs as r
    order by r.started_at desc
    limit 1
),

own as (
    select
        d.*,
        row_number() over (
            partition by d.series_key, d.content_digest
            order by d.committed_at desc nulls last
        ) as nth_own
    from latest as d
    inner join
        last_run as r
        on r.model_digest = d.model_digest and r.scoring_version = d.scoring_version
    where d.scoring_version > 0 and d.state <> 'pending'
),

-- One row a content.
standing as (
    select o.* exclude (nth_own)
    from latest as d
    inner join own as o
        on o.series_key = d.series_key and o.content_digest = d.content_digest and o.nth_own = 1
    where d.nth = 1 and d.scoring_version > 0
    union all by name
    select d.*
    from latest as d
    where
        d.nth = 1
        and (
            d.scoring_version = 0
            or d.scoring_version is null
            or (d.series_key, d.content_digest) not in (
                select (o.series_key, o.content_digest) from own as o
            )
        )
),

-- The last content of each series that was found to be a copy.
copied as (
    select
        d.series_key,
        max(
            case
                when d.content_digest = s.content_digest then len(s.grown_from) + 1
                else list_position(s.grown_from, d.content_digest)
            end
        ) as place
    from raw_dispositions as d
    inner join raw_series as s on s.series_key = d.series_key
    where d.reasons[1] = 'duplicate_images_of'
    group by d.series_key
),

-- The last that was made of what a series was before it grew.
earlier as (
    select
        d.*,
        row_number() over (
            partition by d.series_key
            order by list_position(s.grown_from, d.content_digest) desc
        ) as nth_earlier
    from standing as d
    inner join raw_series as s
        on s.series_key = d.series_key and list_contains(s.grown_from, d.content_digest)
    left join copied as c on c.series_key = d.series_key
    where
        d.state <> 'pending'
        and coalesce(c.place, 0) <= list_position(s.grown_from, d.content_digest)
)

select
    d.* exclude (nth),
    '' as redo_reason
from standing as d
inner join raw_series as s
    on s.series_key = d.series_key and s.content_digest = d.content_digest
where
    d.state <> 'pending'
    or d.series_key not in (
        select e.series_key from earlier as e where e.nth_earlier = 1 and e.state = 'scored'
    )
union all by name
select
    e.* exclude (nth, nth_earlier),
    coalesce(d.reasons[1], 'night_over') as redo_reason
from earlier as e
inner join raw_series as s on s.series_key = e.series_key
left join standing as d
    on d.series_key = s.series_key and d.content_digest = s.content_digest
where
    e.nth_earlier = 1
    and e.state = 'scored'
    and coalesce(d.state, 'pending') = 'pending'
