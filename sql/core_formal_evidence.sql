-- title: Evidence that a formal calcium score already exists
-- grain: one piece of evidence of one person
-- key: person_key, source, evidence
-- reads: raw_event, core_disposition, raw_run
-- privacy: keys, dates; clinical facts of keyed people
-- publish: no
-- column: source |  | health | where a formal score shows: report_text, procedure or gated_scan
-- column: evidence |  | health | procedure code, the word report_text, or the gated scan's series key
-- column: first_on |  | quasi | earliest date on record up to as_of; empty where none carries a date
-- column: last_on |  | quasi | latest date on record up to as_of; empty where none carries a date
-- Second clock: as of as_of. An undated mention counts, since it lies in the record we were given.
with evidence as (
    select
        e.person_key,
        case when e.code = 'report_text' then 'report_text' else 'procedure' end as source,
        e.code as evidence,
        e.started_on as evidence_on
    from raw_event as e
    cross join raw_run as r
    where
        e.concept = 'formal_calcium_score'
        and (e.started_on is null or e.started_on <= r.as_of)
    union all
    -- The archive itself holds a gated calcium-score scan of the person.
    select
        d.person_key,
        'gated_scan' as source,
        d.series_key as evidence,
        d.index_date as evidence_on
    from core_disposition as d
    cross join raw_run as r
    where
        list_contains(d.reasons, 'gated_calcium_score')
        and (d.index_date is null or d.index_date <= r.as_of)
)

select
    person_key,
    source,
    evidence,
    min(evidence_on) as first_on,
    max(evidence_on) as last_on
from evidence
where person_key is not null and person_key <> ''
group by person_key, source, evidence
