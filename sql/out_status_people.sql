-- title: How many people have a scan, are flagged, are not, or cannot be told
-- grain: one row
-- key: with_scan
-- reads: core_disposition, core_person_flag
-- privacy: counts only
-- publish: operations
-- column: with_scan |  | open | people with at least one CT series
-- column: flagged |  | open | people on the list
-- column: not_flagged |  | open | people whom what is known keeps off the list
-- column: cannot_say |  | open | people of whom too little is known
-- The third of the three sums: with_scan = flagged + not_flagged + cannot_say. with_scan is counted
-- from the series, not from the flags, so that the sum can fail.
select
    (
        select count(distinct person_key)
        from core_disposition
        where modality = 'CT' and person_key <> ''
    ) as with_scan,
    count(*) filter (where flag = 'flagged') as flagged,
    count(*) filter (where flag = 'not_flagged') as not_flagged,
    count(*) filter (where flag = 'cannot_say') as cannot_say
from core_person_flag
