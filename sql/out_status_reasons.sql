-- title: How often each reason decided
-- grain: one reason code
-- key: reason
-- reads: core_disposition, core_person_flag
-- privacy: counts only
-- publish: operations
-- column: reason |  | open | reason code that decided
-- column: n |  | open | series and people together
-- column: n_series |  | open | series without a score for this reason
-- column: n_people |  | open | people not on the list for this reason
-- Only the deciding reason of a series or a person is counted, so the counts add up to the series
-- without a score and the people not on the list.
with decided as (
    select
        reason,
        1 as of_series,
        0 as of_people
    from core_disposition
    where reason <> '' and state <> 'scored'
    union all
    select
        reason,
        0 as of_series,
        1 as of_people
    from core_person_flag
    where flag <> 'flagged'
)

select
    reason,
    count(*) as n,
    sum(of_series)::bigint as n_series,
    sum(of_people)::bigint as n_people
from decided
group by reason
order by n desc, reason
