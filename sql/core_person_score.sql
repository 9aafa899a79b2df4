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
-- column: is_lower_bound |  | open | there is at least this much: calcium may be missing (a cut heart, metal, gaps, something not counted that may be calcium), and what was counted is no more than there is
-- column: is_risk_floor |  | open | a risk takes what was counted as the least there is: calcium may be missing, and how low the score may be can be told
-- column: may_be_more |  | open | calcium may be missing: below a threshold it leaves open what is above; without is_lower_bound the score may be too high as well
-- column: later_doubtful_agatston | Agatston units | health | highest score of the scans after that day, which are of a lower grade, D among them
-- column: undated_agatston | Agatston units | health | highest score of the scans without a date, of any grade, which nothing can be put before or after
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
),

-- Of whatever grade: an older score must not hide a high one that a person without it would be
-- asked about.
others as (
    select
        u.person_key,
        max(o.agatston) filter (where o.index_date > u.index_date) as later_doubtful_agatston,
        max(o.agatston) filter (where o.index_date is null) as undated_agatston
    from usable as u
    inner join core_disposition as o on o.person_key = u.person_key
    cross join raw_run as r
    where
        u.nth = 1
        and o.state = 'scored'
        and (o.index_date is null or o.index_date <= r.as_of)
    group by u.person_key
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
    -- The lists are those of screening/lower_bound.py; a test holds them together.
    coalesce(
        list_has_any(
            u.quality_flags,
            [
                'heart_incomplete', 'stent_present', 'stent_possible', 'clips_present',
                'lead_present', 'valve_prosthesis', 'metal_near_heart', 'calcium_possible',
                'gaps_between_slices'
            ]
        ),
        false
    ) as may_be_more,
    -- Of a zero nothing can be too much; else the score's own interval has a low end.
    may_be_more
    and (
        u.agatston = 0
        or not list_has_any(
            u.quality_flags,
            [
                'stent_possible', 'gaps_between_slices', 'calcium_very_bright',
                'false_calcium_many', 'false_calcium_extreme', 'noise_very_high',
                'blood_pool_implausible', 'blood_pool_unknown', 'increment_over_5mm',
                'thickness_over_5mm', 'kvp_far_from_120', 'tin_filter', 'sharp_kernel',
                'derived_image', 'mixed_protocol', 'lossy_compression', 'kvp_unknown',
                'coarse_hu', 'kernel_unknown', 'heart_on_the_right'
            ]
        )
    ) as is_risk_floor,
    -- "At least" promises more: nothing speaks for anything but calcium in the score.
    is_risk_floor
    and (
        u.agatston = 0
        or not list_has_any(
            u.quality_flags,
            [
                'stent_present', 'clips_present', 'lead_present', 'valve_prosthesis',
                'metal_near_heart', 'blood_pool_bright', 'contrast_tag', 'false_calcium_some'
            ]
        )
    ) as is_lower_bound,
    o.later_doubtful_agatston,
    o.undated_agatston,
    u.n_usable_scores,
    u.redo_reason
from usable as u
left join raw_ages as a on a.series_key = u.series_key
left join others as o on o.person_key = u.person_key
where u.nth = 1
