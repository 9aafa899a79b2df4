-- title: Where the series went
-- grain: one state and deciding reason
-- key: state, reason
-- reads: core_disposition
-- privacy: counts only
-- publish: operations
-- column: reason |  | open | reason code that decided; empty for a score
-- column: n |  | open | series
-- column: n_studies |  | open | studies these series belong to
-- column: n_people |  | open | people these series belong to
-- Every series is in exactly one row; scored series have an empty reason.
select
    state,
    case when state = 'scored' then '' else reason end as reason,
    count(*) as n,
    count(distinct study_key) as n_studies,
    count(distinct person_key) as n_people
from core_disposition
group by all
order by n desc, state, reason
