-- title: People who were on the list in an earlier sweep and are not now, and why
-- grain: one person who left the list and is not back
-- key: person_key
-- reads: core_disposition, core_person_flag, raw_listed, raw_run, raw_withdrawals
-- privacy: keys, dates, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: tier_before |  | health | why they were flagged when last on it; empty of who has opted out since
-- column: agatston_before | Agatston unit | health | their score then, to 0.1; empty of who has opted out since
-- column: listed_on |  | quasi | as_of of the sweep that put them on the list
-- column: left_on |  | quasi | as_of of the first sweep without them
-- column: flag |  | health | what they are now: not_flagged, cannot_say; empty where no CT of theirs is in the archive
-- column: reason |  | health | why they are off it now: the reason code that decided, or what became of the scan that had put them on it
-- column: index_date |  | quasi | local date of the scan that counts now; empty without one
-- column: age_years | year | quasi | age on that date in whole years
-- column: agatston | Agatston unit | health | score that counts now, to 0.1; empty without one
-- column: note |  | open | what a change of the list does not decide
-- Of who opted out the wish alone is told. The latest to leave come first. In a look into the past
-- those who had left by then and are not on its list.
with then_scan as (
    -- What became of the scan that had put the person there: taken back by the archive, or not
    -- scored as it is now. That another series stands for its study is no reason of its own.
    select
        l.person_key,
        coalesce(
            w.reason,
            case
                when
                    d.state <> 'scored'
                    and d.reason not in ('not_chosen', 'duplicate_images_of')
                    then d.reason
            end
        ) as reason
    from raw_listed as l
    left join raw_withdrawals as w
        on w.series_key = l.series_key and w.person_key = l.person_key
    left join core_disposition as d
        on d.series_key = l.series_key and d.person_key = l.person_key
)

select
    l.person_key,
    case when f.reason = 'opted_out' then '' else l.tier end as tier_before,
    case when coalesce(f.reason, '') <> 'opted_out' then round(l.agatston, 1) end
        as agatston_before,
    l.listed_on,
    l.left_on,
    coalesce(f.flag, '') as flag,
    case
        when f.person_key is null then coalesce(s.reason, 'left_archive')
        when
            f.reason in
            ('no_score', 'no_scan_date', 'grade_too_low', 'lower_bound', 'below_threshold')
            then coalesce(s.reason, f.reason)
        else f.reason
    end as reason,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    coalesce(f.sex, '') as sex,
    case when coalesce(f.reason, '') <> 'opted_out' then round(f.agatston, 1) end as agatston,
    coalesce(f.grade, '') as grade,
    coalesce(f.quality_flags, []) as quality_flags,
    'people decide what becomes of who was contacted already' as note
from raw_listed as l
cross join raw_run as r
inner join then_scan as s on s.person_key = l.person_key
left join core_person_flag as f on f.person_key = l.person_key
where l.left_on <= r.as_of and coalesce(f.flag, '') <> 'flagged'
order by l.left_on desc, l.agatston desc, l.person_key
