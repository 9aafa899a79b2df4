-- title: Flagged people who take a statin and whose LDL cholesterol is not at goal
-- grain: one flagged person on a statin with LDL at or above the goal
-- key: person_key
-- reads: core_person_flag
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: ldl_mg_dl | mg/dL | health | latest LDL cholesterol up to as_of, whole
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody is contacted
-- A finding of its own: treatment is there and not enough. They stand on the list too. The goal is
-- `ldl_goal_mg_dl` of the settings; without an LDL value nobody is here.
select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    f.statin_intensity,
    round(f.ldl_mg_dl) as ldl_mg_dl,
    f.tier_but_for,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'an image reader must confirm' as note
from core_person_flag as f
where
    f.flag = 'flagged' and f.is_on_statin and not f.is_ldl_at_goal
order by f.agatston desc, f.person_key
