-- title: Evidence that a formal calcium score already exists
-- grain: one piece of evidence of one person
-- key: person_key, source, evidence
-- reads: raw_event, core_disposition, raw_run, raw_setting
-- privacy: keys, dates; clinical facts of keyed people
-- publish: no
-- column: source |  | health | where a formal score shows: report_text, site_list, observation, procedure, gated_scan or score_document
-- column: evidence |  | health | procedure code, the word report_text, site_list or observation, or the series key of the gated scan or document
-- column: first_on |  | quasi | earliest date on record up to as_of; empty where none carries a date
-- column: last_on |  | quasi | latest date on record up to as_of; empty where none carries a date
-- column: counts |  | health | it keeps the person off the list: within formal_within_years of as_of, or without a date
-- Second clock: as of as_of. An undated mention counts, since it lies in the record we were given.
with policy as (
    -- 0: for ever, the default; [clinical] formal_within_years of the settings changes it.
    select coalesce(max(value) filter (where name = 'formal_within_years'), 0) as within_years
    from raw_setting
),

evidence as (
    select
        e.person_key,
        case
            when e.code in ('report_text', 'site_list', 'observation') then e.code
            else 'procedure'
        end as source,
        e.code as evidence,
        e.started_on as first_on,
        coalesce(e.started_by, e.started_on) as last_on
    from raw_event as e
    cross join raw_run as r
    where
        e.concept = 'formal_calcium_score'
        and (e.started_on is null or e.started_on <= r.as_of)
    union all
    -- The archive itself holds a gated calcium-score scan of the person, or a report or a capture of
    -- one's result. What a rejection note takes back is evidence of nothing.
    select
        d.person_key,
        case
            when list_contains(d.reasons, 'gated_calcium_score') then 'gated_scan'
            else 'score_document'
        end as source,
        d.series_key as evidence,
        d.index_date as first_on,
        d.index_date as last_on
    from core_disposition as d
    cross join raw_run as r
    where
        list_has_any(d.reasons, ['gated_calcium_score', 'calcium_score_document'])
        and not list_contains(d.reasons, 'rejected_in_archive')
        and (d.index_date is null or d.index_date <= r.as_of)
)

select
    e.person_key,
    e.source,
    e.evidence,
    min(e.first_on) as first_on,
    max(e.last_on) as last_on,
    bool_or(
        policy.within_years = 0
        or e.last_on is null
        or e.last_on >= r.as_of - to_months(cast(round(12 * policy.within_years) as integer))
    ) as counts
from evidence as e
cross join policy
cross join raw_run as r
where e.person_key is not null and e.person_key <> ''
group by e.person_key, e.source, e.evidence
