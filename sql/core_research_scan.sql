-- title: The scored scans of people who may be in research tables
-- grain: one series that is scored as things stand, of such a person
-- key: series_key
-- reads: core_disposition, core_person_score, core_research_person, raw_run
-- privacy: keys of both files: only ever made in memory, in no file
-- publish: no
-- column: research_key |  | key | random key of the person, of research tables only
-- column: scan |  | open | the person's scored scans counted by their dates, the first is 1
-- column: is_index_scan |  | open | whether this is the scan whose score stands for the person, that of out_cohort; no scan of grade D is
-- column: shifted_index_month |  | quasi | month of the scan, moved back by up to a year, by as much in all of a person's rows
-- column: model_digest_12 |  | open | first 12 characters of the sha256 of the model
-- Scans after as_of do not exist yet, and what has no date cannot be put among the others.
select
    d.series_key,
    p.research_key,
    row_number() over (partition by p.person_key order by d.index_date, d.series_key) as scan,
    date_trunc('month', d.index_date + p.shift_days::integer)::date as shifted_index_month,
    s.series_key is not null as is_index_scan,
    d.grade,
    coalesce(d.quality_flags, []) as quality_flags,
    d.image_digest,
    d.model_digest,
    left(d.model_digest, 12) as model_digest_12
from core_disposition as d
cross join raw_run as r
inner join core_research_person as p on p.person_key = d.person_key
left join core_person_score as s on s.series_key = d.series_key
where d.state = 'scored' and d.agatston is not null and d.index_date <= r.as_of
-- Ordered by the random research key, so that the order tells nothing of the operations tables.
order by p.research_key, scan
