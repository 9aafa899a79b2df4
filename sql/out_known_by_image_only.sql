-- title: People of whom only a scan suggests a coronary stent or bypass
-- grain: one person kept off the list by what was seen on a scan and stands in no record
-- key: person_key
-- reads: core_person_flag, core_person_score, core_ascvd_evidence, core_disposition
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: seen |  | health | what the scan shows: coronary_stent, coronary_bypass
-- column: seen_in |  | key | random keys of the series that show it, to look at
-- column: first_on |  | quasi | day of the first scan that shows it
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, without the metal, to 0.1
-- column: without_metal | Agatston unit | health | highest score of the person's scans that show no such metal, to 0.1; empty without one
-- column: note |  | open | what must happen before anybody relies on it
-- A model can take heavy plaque for a stent: a reader must look before such a person is left out.
with seen as (
    select
        person_key,
        list(concept order by concept) as seen,
        list_sort(list_distinct(flatten(list(seen_in)))) as seen_in,
        min(first_on) as first_on
    from core_ascvd_evidence
    group by person_key
    having bool_and(source = 'image')
),

-- A reader who knows of much calcium on another scan looks harder whether this is metal.
others as (
    select
        person_key,
        max(agatston) as without_metal
    from core_disposition
    where
        state = 'scored'
        and not list_contains(quality_flags, 'stent_present')
        and not list_has_all(quality_flags, ['sternal_wires', 'clips_present'])
    group by person_key
)

select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    s.seen,
    s.seen_in,
    s.first_on,
    round(f.agatston, 1) as agatston,
    coalesce(p.is_lower_bound, false) as is_lower_bound,
    coalesce(p.may_be_more, false) as may_be_more,
    round(o.without_metal, 1) as without_metal,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'an image reader must confirm the metal' as note
from core_person_flag as f
inner join seen as s on s.person_key = f.person_key
left join core_person_score as p on p.person_key = f.person_key
left join others as o on o.person_key = f.person_key
where f.reason = 'known_ascvd'
order by f.agatston desc nulls last, f.person_key
