-- title: The last finished sweep
-- grain: one finished sweep, the latest
-- key: run_id
-- reads: raw_runs
-- privacy: counts only
-- publish: operations
select
    run_id,
    started_at,
    as_of,
    seconds,
    n_scored,
    bytes_read
from raw_runs
order by started_at desc nulls last, run_id desc
limit 1
