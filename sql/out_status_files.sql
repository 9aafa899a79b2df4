-- title: What the last sweep saw in the archive, file by file
-- grain: one finished sweep, the latest
-- key: run_id
-- reads: raw_runs
-- privacy: counts only
-- publish: operations
-- column: seen |  | open | files in the archive
-- column: instance |  | open | usable DICOM instances
-- column: not_dicom |  | open | files that are not DICOM
-- column: unreadable |  | open | damaged or unreadable files
-- column: duplicate |  | open | second copies of an instance
-- column: ignored |  | open | files left alone by rule
-- The first of the three sums: seen = instance + not_dicom + unreadable + duplicate + ignored.
select
    run_id,
    files_seen as seen,
    files_instance as instance,
    files_not_dicom as not_dicom,
    files_unreadable as unreadable,
    files_duplicate as duplicate,
    files_ignored as ignored
from raw_runs
order by started_at desc nulls last, run_id desc
limit 1
