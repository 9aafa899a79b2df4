-- title: The list: people with calcium nobody measured, most urgent first
-- grain: one flagged person
-- key: person_key
-- reads: core_person_flag, core_person_score, raw_listed, raw_risk, raw_run
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | coronary Agatston score, to 0.1; tier and category come from the exact one
-- column: volume_mm3 | mm³ | health | coronary calcium volume, to 0.1
-- column: agatston_lm | Agatston unit | health | left main, to 0.1
-- column: agatston_lad | Agatston unit | health | left anterior descending, to 0.1
-- column: agatston_lcx | Agatston unit | health | left circumflex, to 0.1
-- column: agatston_rca | Agatston unit | health | right coronary artery, to 0.1
-- column: n_vessels |  | health | coronary arteries with calcium, 0 to 4
-- column: n_lesions |  | health | coronary lesions
-- column: percentile |  | health | of the score among people of that age, sex and, where known, race; whole, rounded down; empty below the lowest and above the highest percentile known, and outside the table's ages
-- column: percentile_text |  | health | the same in words, also below and above; empty outside the table's ages
-- column: percentile_source |  | open | MESA 2006 where the race is known, at 50 to 80; else Hoff 2001, 40 to 84
-- column: mesa_chd_10y | fraction | health | 10-year CHD without calcium, to 0.001
-- column: mesa_chd_10y_cac | fraction | health | 10-year CHD with calcium, to 0.001
-- column: flag_risk | fraction | health | the 10-year risk that the policy looks at, to 0.001
-- column: ldl_mg_dl | mg/dL | health | latest LDL cholesterol up to as_of, whole
-- column: reasons |  | health | remarks beside the tier: why a 10-year risk is empty; already_treated on a statin on the day as_of; sex_unclear; answer_unclear
-- column: listed_on |  | quasi | as_of of the sweep that put the person on the list, for as long as they stay there; empty in lakes not swept since, and in a look into the past where that was later
-- column: is_to_be_redone |  | open | more of the series came since: it will be scored again, until then this score stands
-- column: note |  | open | what must happen before anybody is contacted
-- Numbers are rounded for reading; the exact ones are in core_person_flag and core_person_score.
-- Research software: every row must be confirmed by an image reader before anyone is contacted.
with tiers as (
    select
        unnest(
            [
                'cac_1000', 'cac_300', 'cac_100', 'percentile_75', 'risk_high', 'age_18_39',
                'age_over_84'
            ]
        ) as tier,
        -- The score and its percentile are two ways into one tier; the score comes first.
        unnest([1, 2, 3, 4, 5, 6, 7]) as place
)

select
    f.person_key,
    f.series_key,
    f.tier,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    round(f.agatston, 1) as agatston,
    round(s.volume_mm3, 1) as volume_mm3,
    f.category,
    round(s.agatston_lm, 1) as agatston_lm,
    round(s.agatston_lad, 1) as agatston_lad,
    round(s.agatston_lcx, 1) as agatston_lcx,
    round(s.agatston_rca, 1) as agatston_rca,
    s.n_vessels,
    s.n_lesions,
    floor(k.percentile)::integer as percentile,
    coalesce(k.percentile_text, '') as percentile_text,
    coalesce(k.percentile_source, '') as percentile_source,
    f.grade,
    f.quality_flags,
    f.score_is_doubtful,
    coalesce(s.is_lower_bound, false) as is_lower_bound,
    round(f.mesa_chd_10y, 3) as mesa_chd_10y,
    round(f.mesa_chd_10y_cac, 3) as mesa_chd_10y_cac,
    f.policy,
    round(f.flag_risk, 3) as flag_risk,
    f.flag_risk_source,
    f.is_on_statin,
    coalesce(f.statin_intensity, '') as statin_intensity,
    round(f.ldl_mg_dl) as ldl_mg_dl,
    f.is_ldl_at_goal,
    list_concat(coalesce(k.reasons, []), f.remarks) as reasons,
    l.listed_on,
    s.redo_reason <> '' as is_to_be_redone,
    'an image reader must confirm' as note
from core_person_flag as f
inner join core_person_score as s on s.person_key = f.person_key
inner join tiers as t on t.tier = f.tier
left join raw_risk as k on k.person_key = f.person_key and k.series_key = f.series_key
cross join raw_run as r
left join raw_listed as l
    on
        l.person_key = f.person_key
        and l.listed_on <= r.as_of
        and (l.left_on is null or l.left_on > r.as_of)
where f.flag = 'flagged'
order by t.place, f.agatston desc, f.person_key
