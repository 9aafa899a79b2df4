-- title: Which facts the clinical tables of the lake can tell of anybody
-- grain: one row
-- key: has_conditions, has_medications
-- reads: raw_runs
-- privacy: none
-- publish: no
-- column: has_conditions |  | open | the delivery had at least one row of conditions
-- column: has_medications |  | open | the delivery had at least one row of medications
-- Where not one row of a whole delivery can tell a fact, its absence says nothing of anybody. The
-- tables in the lake are those of the last sweep that was handed some; a lake that kept no numbers
-- of them (an older one) counts as before.
with latest as (
    select
        rows_condition,
        rows_medication
    from raw_runs
    where rows_person is not null
    order by started_at desc nulls last, run_id desc
    limit 1
)

select
    coalesce((select coalesce(rows_condition, 0) > 0 from latest), true) as has_conditions,
    coalesce((select coalesce(rows_medication, 0) > 0 from latest), true) as has_medications
