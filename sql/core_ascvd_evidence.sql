-- title: Evidence that cardiovascular disease is already known
-- grain: one kind of evidence of one person in one place
-- key: person_key, concept, source
-- reads: raw_event, core_disposition, raw_run
-- privacy: keys, dates; clinical facts of keyed people
-- publish: no
-- column: concept |  | health | kind of evidence: coronary_stent, myocardial_infarction, …
-- column: source |  | health | record, or image: seen on a scan of this archive
-- column: first_on |  | quasi | earliest date up to as_of; empty where none carries a date
-- column: seen_in |  | key | of what a scan shows, random keys of the series that show it, the earliest first; else empty
-- column: n_records |  | health | records or scans of it up to as_of
-- Second clock: as of as_of. An undated mention counts: better one person fewer on the list than
-- a call to somebody who had an infarction. The kinds are those of the 2018 AHA/ACC cholesterol
-- guideline's clinical ASCVD (doi 10.1161/CIR.0000000000000625): peripheral disease with other
-- revascularisation, and aortic aneurysm "of atherosclerotic origin". No code tells the origin:
-- abdominal, thoracoabdominal and unspecified aneurysms count, those of the thorax alone and
-- dissections do not.
-- I25.10 and I25.84 alone exclude, although they may be coded for the very calcium that this
-- program looks for.
with records as (
    select
        e.person_key,
        e.concept,
        'record' as source,
        e.started_on as evidence_on,
        null as series_key
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
            'peripheral_artery_disease',
            'peripheral_revascularisation',
            'aortic_aneurysm'
        )
        and (e.started_on is null or e.started_on <= r.as_of)
),

scans as (
    select
        d.person_key,
        d.series_key,
        d.index_date as evidence_on,
        d.quality_flags as flags
    from core_disposition as d
    cross join raw_run as r
    where
        d.state = 'scored'
        and d.person_key <> ''
        and (d.index_date is null or d.index_date <= r.as_of)
),

-- What may be a stent (stent_possible) is none, and beside it no stent is believed: heavy plaque is
-- told from stents badly. Wires of an opened sternum with clips near the
-- heart speak for a bypass, unless a valve was put in, which opens the sternum too.
images as (
    select
        person_key,
        'coronary_stent' as concept,
        'image' as source,
        evidence_on,
        series_key
    from scans
    where list_contains(flags, 'stent_present') and not list_contains(flags, 'stent_possible')
    union all
    select
        person_key,
        'coronary_bypass' as concept,
        'image' as source,
        evidence_on,
        series_key
    from scans
    where
        list_has_all(flags, ['sternal_wires', 'clips_present'])
        and not list_contains(flags, 'valve_prosthesis')
)

select
    person_key,
    concept,
    source,
    min(evidence_on) as first_on,
    coalesce(
        list(series_key order by evidence_on nulls last, series_key)
            filter (where series_key is not null),
        []
    ) as seen_in,
    count(*) as n_records
from (select * from records union all select * from images)
group by person_key, concept, source
