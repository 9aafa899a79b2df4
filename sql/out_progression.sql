-- title: Two scans of one person, one after the other: how the calcium grew
-- grain: two consecutive scored scans of one person
-- key: later_series_key
-- reads: core_scan_pair, raw_progression
-- privacy: keys, scan dates; scores of keyed people
-- publish: operations
-- column: reasons |  | open | reason codes: why the two scans are not compared; empty where they are
-- column: is_reconstruction_unknown |  | open | neither scan tells whether it was reconstructed by filtered back projection, iteratively or by deep learning
-- A pair that is not comparable has its reasons and no growth. Never read it as "no progression".
select
    s.person_key,
    s.earlier_series_key,
    s.later_series_key,
    s.earlier_index_date,
    s.later_index_date,
    p.years,
    s.earlier_volume_mm3,
    s.later_volume_mm3,
    s.earlier_agatston,
    s.later_agatston,
    p.sqrt_volume_change,
    p.sqrt_volume_change_per_year,
    p.is_progression,
    p.is_beyond_repeatability,
    s.earlier_reconstruction = 'unknown' and s.later_reconstruction = 'unknown'
        as is_reconstruction_unknown,
    p.reasons
from core_scan_pair as s
inner join raw_progression as p
    on p.earlier_series_key = s.earlier_series_key and p.later_series_key = s.later_series_key
order by s.person_key, s.later_index_date nulls last, s.later_series_key
