-- title: The one score that stands for each person
-- grain: one person with a scored scan that may be used
-- key: person_key
-- reads: core_disposition, raw_ages, raw_run, raw_setting
-- privacy: keys, scan date, age; scores of keyed people
-- publish: operations
-- column: series_key |  | key | random key of the series whose score stands for the person
-- column: study_key |  | key | random key of that series' study
-- column: index_date |  | quasi | local date of acquisition of that series
-- column: age_years | year | quasi | age on the index date
-- column: score_is_doubtful |  | open | the scan is of grade C, and none of A or B is there
-- column: is_lower_bound |  | open | the score is at least this: the heart is cut, or metal may hide calcium
-- column: may_be_more |  | open | below a threshold it leaves open what is above: a lower bound, or gaps between slices
-- column: n_usable_scores |  | open | scored scans of grade A, B or C up to as_of
-- The latest scored scan of grade A or B; without one the latest of grade C, marked doubtful.
-- Where a site asks for more (`minimum_grade`), the latest of what it asks for comes first.
-- Never the maximum: the largest of several noisy scores is biased upwards. Grade D never.
-- Scans after as_of do not exist yet.
with usable as (
    select
        d.*,
        d.grade = 'C' as score_is_doubtful,
        row_number() over (
            partition by d.person_key
            order by
                d.grade > coalesce(
                    (
                        select max(split_part(name, ':', 2))
                        from raw_setting
                        where name like 'minimum_grade:%'
                    ),
                    'C'
                ),
                d.grade = 'C',
                d.index_date desc,
                d.grade,
                d.series_key
        ) as nth,
        count(*) over (partition by d.person_key) as n_usable_scores
    from core_disposition as d
    cross join raw_run as r
    where
        d.state = 'scored'
        and d.agatston is not null
        and d.grade in ('A', 'B', 'C')
        and d.index_date <= r.as_of
)

select
    u.person_key,
    u.series_key,
    u.study_key,
    u.index_date,
    coalesce(a.age_years, u.header_age_years) as age_years,
    u.header_sex,
    u.agatston,
    u.agatston_low,
    u.agatston_high,
    u.volume_mm3,
    u.volume_isotropic_mm3,
    u.mass_mg,
    u.mass_integrated_mg,
    u.n_vessels,
    u.n_lesions,
    u.density,
    u.category,
    u.agatston_lm,
    u.agatston_lad,
    u.agatston_lcx,
    u.agatston_rca,
    u.grade,
    u.quality_flags,
    u.model_digest,
    u.choose_version,
    u.scoring_version,
    u.score_is_doubtful,
    coalesce(
        list_has_any(
            u.quality_flags,
            [
                'heart_incomplete', 'stent_present', 'stent_possible', 'clips_present',
                'lead_present', 'valve_prosthesis', 'metal_near_heart'
            ]
        ),
        false
    ) as is_lower_bound,
    is_lower_bound
    or coalesce(list_contains(u.quality_flags, 'gaps_between_slices'), false) as may_be_more,
    u.n_usable_scores
from usable as u
left join raw_ages as a on a.series_key = u.series_key
where u.nth = 1
