-- title: Flagged people who were in hospital when they were scanned
-- grain: one flagged person on record as in hospital at the scan
-- key: person_key
-- reads: core_person_flag
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody is contacted
-- They stand on the list too. An acute illness changes lipids, and a ward may have acted already.
-- Known are stays (encounters, visits) and hospital care that is coded by the day
-- (codes/procedures.csv, inpatient_stay and inpatient_care).
select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    f.tier_but_for,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'ask the ward before anybody calls, and an image reader must confirm' as note
from core_person_flag as f
where
    f.flag = 'flagged' and f.is_known_inpatient
order by f.agatston desc, f.person_key
