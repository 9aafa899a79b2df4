-- title: The sex of each person, by the clinical record and the scans' headers
-- grain: one person of the clinical record or of a scan
-- key: person_key
-- reads: raw_person, raw_series
-- privacy: keys, sex
-- publish: no
-- column: sex |  | quasi | F or M: the record's, without one the headers'; empty where unknown or unclear
-- column: is_unclear |  | open | record and headers tell opposite sexes, so that neither is used
-- Nobody knows which of the two is the slip, or whether the record is another person's; by the wrong
-- one the risk is told too low (as a woman's) or the percentile is (as a man's). Without either the
-- model averages over both, no percentile is told, and the tiers by score alone stand.
with headers as (
    select
        person_key,
        min(sex) as sex
    from raw_series
    where sex in ('F', 'M') and person_key <> '' and coalesce(rejection, '') = ''
    group by person_key
    having count(distinct sex) = 1
)

select
    coalesce(c.person_key, h.person_key) as person_key,
    case
        when c.sex in ('F', 'M') and c.sex <> h.sex then ''
        when c.sex in ('F', 'M') then c.sex
        else coalesce(h.sex, '')
    end as sex,
    coalesce(c.sex in ('F', 'M') and c.sex <> h.sex, false) as is_unclear
from headers as h
full outer join raw_person as c on c.person_key = h.person_key
