-- title: The research cohort: scored people without identity
-- grain: one person with a usable score
-- key: research_key
-- reads: core_person_flag, core_person_score, raw_person, raw_policy, raw_research_shift, raw_run
-- privacy: own keys; coarse age, shifted month, coarse scores; no key of the operations tables
-- publish: research
-- Left out: people who opted out of anything, minors, identity conflicts, ages unknown. Research
-- keys and date shifts belong to the lake's vault. Vessel scores are rounded to 10 units and the
-- total to its category: a score to the decimal point is as good as a name to whoever has the image.
with policy as (
    select
        -- Five-year bands, one band for all from 85 on: the oldest are few and easily recognised.
        5 as band_years,
        85 as top_years,
        10.0 as score_step
),

refused as (
    select distinct p.person_key
    from raw_policy as p
    cross join raw_run as r
    where
        p.scope in ('opt_out_all', 'opt_out_research')
        and (p.valid_from is null or p.valid_from <= r.as_of)
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
    s.category,
    round(s.agatston_lm / policy.score_step) * policy.score_step as agatston_lm_rounded,
    round(s.agatston_lad / policy.score_step) * policy.score_step as agatston_lad_rounded,
    round(s.agatston_lcx / policy.score_step) * policy.score_step as agatston_lcx_rounded,
    round(s.agatston_rca / policy.score_step) * policy.score_step as agatston_rca_rounded,
    s.grade,
    s.score_is_doubtful,
    b.flag,
    b.tier,
    b.reason
from core_person_score as s
cross join policy
inner join banded as b on b.person_key = s.person_key
inner join raw_research_shift as x on x.person_key = s.person_key
left join raw_person as c on c.person_key = s.person_key
where
    b.age_years is not null
    and not list_has_any(b.reasons, ['identity_conflict', 'opted_out', 'minor'])
    and not exists (from refused as q where q.person_key = s.person_key)
-- Ordered by the random research key, so that the order tells nothing of the operations tables.
order by x.research_key
