-- title: The research cohort: scored people without identity
-- grain: one person with a usable score, a known age and a clinical record; left out: who opted out of anything, minors, identity conflicts
-- key: research_key
-- reads: core_person_flag, core_person_score, core_research_person, raw_person, raw_risk, raw_run
-- privacy: own keys; coarse age, shifted month, coarse scores; no key of the operations tables
-- publish: research
-- column: research_key |  | key | random key of the person, of the research file only
-- column: age_band | year | quasi | age on the index date in bands of 5 years; 85+ is one band, the oldest being few
-- column: race |  | quasi | white, black, hispanic, chinese, other; empty unknown
-- column: shifted_index_month |  | quasi | month of the scan, moved back by up to a year, by as much in all of a person's rows
-- column: as_of_month |  | open | month of the day the flags are true for, the same in all rows; not moved
-- column: agatston_rounded | Agatston unit | health | total score to the nearest 10: the exact one would name whoever has the image
-- column: agatston_lm_rounded | Agatston unit | health | left main, to the nearest 10, for the same reason
-- column: agatston_lad_rounded | Agatston unit | health | left anterior descending, to the nearest 10, for the same reason
-- column: agatston_lcx_rounded | Agatston unit | health | left circumflex, to the nearest 10, for the same reason
-- column: agatston_rca_rounded | Agatston unit | health | right coronary artery, to the nearest 10, for the same reason
-- column: percentile_rounded |  | health | of the score among people of that age, sex and, where known, race, rounded down to 5: with the exact one and the score the age could be told; empty below the lowest and above the highest percentile of the table, and outside its ages
-- column: percentile_source |  | open | MESA 2006 where the race is known, at 50 to 80; else Hoff 2001, 40 to 84; empty outside their ages
-- column: mesa_chd_10y_cac_rounded | fraction | health | 10-year CHD risk with calcium, to the nearest 0.01: the exact one tells the inputs
-- column: model_digest_12 |  | open | first 12 characters of the sha256 of the model
-- Who is left out, core_research_person says. Scores are rounded to 10 units and risks to
-- 0.01: a score to the decimal point is as good as a name to whoever has the image.
-- One row is one person, and small cells single people out: the file is for use inside the
-- firewall. Counts made from it need suppression before they leave it; this file does none.
with policy as (
    select
        -- Five-year bands, one band for all from 85 on: the oldest are few and easily recognised.
        5 as band_years,
        85 as top_years,
        10.0 as score_step,
        5.0 as percentile_step,
        2 as risk_digits
),

banded as (
    select
        f.*,
        floor(f.age_years / policy.band_years)::integer * policy.band_years as band_from
    from core_person_flag as f
    cross join policy
)

select
    x.research_key,
    case
        when b.age_years >= policy.top_years then policy.top_years || '+'
        else b.band_from || '-' || (b.band_from + policy.band_years - 1)
    end as age_band,
    b.sex,
    coalesce(c.race, '') as race,
    date_trunc('month', s.index_date + x.shift_days::integer)::date as shifted_index_month,
    date_trunc('month', r.as_of)::date as as_of_month,
    s.category,
    round(s.agatston / policy.score_step) * policy.score_step as agatston_rounded,
    round(s.agatston_lm / policy.score_step) * policy.score_step as agatston_lm_rounded,
    round(s.agatston_lad / policy.score_step) * policy.score_step as agatston_lad_rounded,
    round(s.agatston_lcx / policy.score_step) * policy.score_step as agatston_lcx_rounded,
    round(s.agatston_rca / policy.score_step) * policy.score_step as agatston_rca_rounded,
    floor(k.percentile / policy.percentile_step) * policy.percentile_step as percentile_rounded,
    coalesce(k.percentile_source, '') as percentile_source,
    s.grade,
    s.score_is_doubtful,
    s.is_lower_bound,
    s.may_be_more,
    round(b.mesa_chd_10y_cac, policy.risk_digits) as mesa_chd_10y_cac_rounded,
    b.flag,
    b.tier,
    b.reason,
    left(s.model_digest, 12) as model_digest_12,
    s.choose_version,
    s.scoring_version
from core_person_score as s
cross join policy
cross join raw_run as r
inner join banded as b on b.person_key = s.person_key
inner join core_research_person as x on x.person_key = s.person_key
inner join raw_person as c on c.person_key = s.person_key
left join raw_risk as k on k.person_key = s.person_key and k.series_key = s.series_key
-- Ordered by the random research key, so that the order tells nothing of the operations tables.
order by x.research_key
