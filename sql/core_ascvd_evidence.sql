-- title: Evidence that cardiovascular disease is already known
-- grain: one kind of evidence of one person
-- key: person_key, concept
-- reads: raw_event, raw_run
-- privacy: keys, dates; clinical facts of keyed people
-- publish: no
-- column: concept |  | health | kind of evidence: coronary_stent, myocardial_infarction, …
-- column: first_on |  | quasi | earliest date on record up to as_of; empty where none carries a date
-- column: n_records |  | health | records of it up to as_of
-- Second clock: as of as_of. An undated mention counts: better one person fewer on the list than
-- a call to somebody who had an infarction. The kinds are those of the 2018 AHA/ACC cholesterol
-- guideline's clinical ASCVD (doi 10.1161/CIR.0000000000000625).
select
    e.person_key,
    e.concept,
    min(e.started_on) as first_on,
    count(*) as n_records
from raw_event as e
cross join raw_run as r
where
    e.concept in (
        'myocardial_infarction',
        'chronic_ischaemic_heart_disease',
        'coronary_stent',
        'coronary_angioplasty',
        'coronary_bypass',
        'ischaemic_stroke',
        'transient_ischaemic_attack',
        'peripheral_artery_disease'
    )
    and (e.started_on is null or e.started_on <= r.as_of)
group by e.person_key, e.concept
