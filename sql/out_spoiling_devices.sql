-- title: People with metal near the heart that spoils their score
-- grain: one person with a score, metal beside it, and nothing else that keeps them off the list
-- key: person_key
-- reads: core_person_flag
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: devices |  | health | what was seen: lead_present, valve_prosthesis, clips_present, stent_possible, metal_near_heart, calcium_very_bright
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody is contacted
-- Metal may hide calcium or be taken for it. Flagged, or cannot_say: lower_bound.
select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    f.flag,
    list_filter(
        f.quality_flags,
        lambda x: x in (
            'lead_present', 'valve_prosthesis', 'clips_present', 'stent_possible',
            'metal_near_heart',
            'calcium_very_bright'
        )
    ) as devices,
    f.tier_but_for,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'an image reader must look at the metal' as note
from core_person_flag as f
where
    f.reason in (f.tier, 'lower_bound')
    and list_has_any(
        f.quality_flags,
        [
            'lead_present', 'valve_prosthesis', 'clips_present', 'stent_possible',
            'metal_near_heart',
            'calcium_very_bright'
        ]
    )
order by f.agatston desc, f.person_key
