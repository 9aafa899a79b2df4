-- title: Chests whose coronary calcium went unseen for contrast agent alone
-- grain: one deciding reason, and all together
-- key: reason
-- reads: core_disposition, core_formal_evidence
-- privacy: counts only
-- publish: operations
-- column: reason |  | open | reason code that decided; any: all of them, each person once
-- column: n |  | open | series that nothing else kept from being scored
-- column: n_studies |  | open | their studies in which no other series was scored
-- column: n_people |  | open | people of those studies
-- column: n_people_without_score |  | open | of these, people of whom no scan at all was scored
-- column: n_people_never_scored |  | open | of these, people for whom no formal score is on record either
-- Beside contrast agent, calcium is not told from blood by brightness. What one more series without
-- agent, or another method, would have found here is not known: the opportunity was missed.
with contrast as (
    select
        d.reason,
        d.study_key,
        d.person_key
    from core_disposition as d
    where
        d.state = 'ineligible'
        and d.reason in ('contrast_tag', 'contrast_pixels', 'contrast_uncertain')
        and len(d.reasons) = 1
),

scored as (
    select
        d.study_key,
        d.person_key
    from core_disposition as d
    where d.state = 'scored'
),

unseen as (
    select
        c.reason,
        c.study_key,
        c.person_key,
        c.study_key not in (select s.study_key from scored as s) as is_missed,
        c.person_key in (select s.person_key from scored as s) as has_score,
        c.person_key in (select f.person_key from core_formal_evidence as f where f.counts)
            as is_formally_scored
    from contrast as c
)

select
    coalesce(reason, 'any') as reason,
    count(*) as n,
    count(distinct study_key) filter (where is_missed) as n_studies,
    count(distinct person_key) filter (where is_missed) as n_people,
    count(distinct person_key) filter (where is_missed and not has_score)
        as n_people_without_score,
    count(distinct person_key) filter (where is_missed and not has_score and not is_formally_scored)
        as n_people_never_scored
from unseen
group by grouping sets ((reason), ())
order by n desc, reason
