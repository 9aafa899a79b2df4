-- title: How many series stand in each state
-- grain: one state
-- key: state
-- reads: core_disposition
-- privacy: counts only
-- publish: operations
-- column: state |  | open | scored, ineligible, failed, quarantined, pending
-- column: n |  | open | series in this state
-- The second of the three sums: series found = scored + ineligible + failed + quarantined + pending.
with states as (
    select
        unnest(['scored', 'ineligible', 'failed', 'quarantined', 'pending']) as state,
        unnest([1, 2, 3, 4, 5]) as place
)

select
    s.state,
    count(d.series_key) as n
from states as s
left join core_disposition as d on d.state = s.state
group by s.state, s.place
order by s.place
