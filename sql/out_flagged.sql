-- title: The list: people with calcium nobody measured, most urgent first
-- grain: one flagged person
-- key: person_key
-- reads: core_person_flag, core_person_score
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- Research software: every row must be confirmed by an image reader before anyone is contacted.
with tiers as (
    select
        unnest(['cac_1000', 'cac_300', 'cac_100', 'risk_high']) as tier,
        unnest([1, 2, 3, 4]) as place
)

select
    f.person_key,
    f.series_key,
    f.tier,
    f.index_date,
    f.age_years,
    f.sex,
    f.agatston,
    f.category,
    s.agatston_lm,
    s.agatston_lad,
    s.agatston_lcx,
    s.agatston_rca,
    f.grade,
    f.quality_flags,
    f.score_is_doubtful,
    f.mesa_chd_10y,
    f.mesa_chd_10y_cac,
    f.is_on_statin,
    f.reasons,
    'an image reader must confirm' as note
from core_person_flag as f
inner join core_person_score as s on s.person_key = f.person_key
inner join tiers as t on t.tier = f.tier
where f.flag = 'flagged'
order by t.place, f.agatston desc, f.person_key
