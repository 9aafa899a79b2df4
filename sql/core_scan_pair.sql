-- title: Each scored scan of a person beside the scored scan before it
-- grain: two consecutive scored scans of one person
-- key: later_series_key
-- reads: core_disposition, core_standing, raw_run
-- privacy: keys, scan dates; scores of keyed people
-- publish: no
-- column: earlier_series_key |  | key | random key of the earlier scan's series
-- column: later_series_key |  | key | random key of the later scan's series
-- column: earlier_index_date |  | quasi | local date of acquisition of the earlier scan
-- column: later_index_date |  | quasi | local date of acquisition of the later scan
-- column: earlier_agatston | Agatston unit | health | coronary Agatston score of the earlier scan
-- column: later_agatston | Agatston unit | health | coronary Agatston score of the later scan
-- column: earlier_volume_mm3 | mm³ | health | volume of the counted lesions of the earlier scan
-- column: later_volume_mm3 | mm³ | health | volume of the counted lesions of the later scan
-- column: earlier_grade |  | open | quality grade of the earlier scan
-- column: later_grade |  | open | quality grade of the later scan
-- column: earlier_thickness_mm | mm | open | slice thickness of the earlier scan
-- column: later_thickness_mm | mm | open | slice thickness of the later scan
-- column: earlier_increment_mm | mm | open | median distance between slices of the earlier scan
-- column: later_increment_mm | mm | open | median distance between slices of the later scan
-- column: earlier_kernel |  | open | reconstruction kernel of the earlier scan
-- column: later_kernel |  | open | reconstruction kernel of the later scan
-- column: earlier_reconstruction |  | open | fbp, iterative, deep_learning or unknown, earlier scan
-- column: later_reconstruction |  | open | fbp, iterative, deep_learning or unknown, later scan
-- column: earlier_kvp | kV | open | tube voltage of the earlier scan
-- column: later_kvp | kV | open | tube voltage of the later scan
-- column: earlier_is_gated |  | open | the earlier scan is ECG-gated by tag or recognised words
-- column: later_is_gated |  | open | the later scan is ECG-gated by tag or recognised words
-- column: earlier_shares_images |  | open | a scan of the person of another day, scored or refused, holds images of the earlier scan, all or some: one of the two days is wrong
-- column: later_shares_images |  | open | the same of the later scan
-- column: earlier_model_digest |  | open | sha256 of the model that labelled the earlier scan
-- column: later_model_digest |  | open | sha256 of the model that labelled the later scan
-- column: earlier_scoring_version |  | open | version of the scoring code for the earlier scan
-- column: later_scoring_version |  | open | version of the scoring code for the later scan
-- Consecutive by date; a scan without date comes last, so that it is told and not lost. Whether
-- two scans may be compared is not decided here but in screening/scoring/progression.py.
-- Images are compared among all scans of the person: a third may lie between two that share some.
-- Scans after as_of do not exist yet. Specks too small to count have a volume but are no lesion.
with scored as (
    select
        d.*,
        coalesce(w.slice_digests, []) as slice_digests,
        coalesce(list_sum(list_transform(d.lesions, lambda x: x.volume_mm3)), 0.0) as counted_mm3,
        row_number() over (
            partition by d.person_key
            order by d.index_date nulls last, d.series_key
        ) as nth
    from core_disposition as d
    left join core_standing as w on w.series_key = d.series_key
    cross join raw_run as r
    where
        d.state = 'scored'
        and d.agatston is not null
        and d.volume_mm3 is not null
        and d.person_key <> ''
        and (d.index_date is null or d.index_date <= r.as_of)
),

sharing as (
    select distinct one.series_key
    from scored as one
    inner join core_disposition as other
        on other.person_key = one.person_key and other.series_key <> one.series_key
    left join core_standing as w on w.series_key = other.series_key
    cross join raw_run as r
    where
        -- The same day: sent again under other UIDs. One that is refused for it has no score.
        other.index_date <> one.index_date
        and other.index_date <= r.as_of
        and (
            (one.image_digest = other.image_digest and one.image_digest <> '')
            or list_has_any(one.slice_digests, coalesce(w.slice_digests, []))
        )
)

select
    b.person_key,
    a.series_key as earlier_series_key,
    b.series_key as later_series_key,
    a.index_date as earlier_index_date,
    b.index_date as later_index_date,
    a.agatston as earlier_agatston,
    b.agatston as later_agatston,
    a.counted_mm3 as earlier_volume_mm3,
    b.counted_mm3 as later_volume_mm3,
    coalesce(a.grade, '') as earlier_grade,
    coalesce(b.grade, '') as later_grade,
    a.thickness_mm as earlier_thickness_mm,
    b.thickness_mm as later_thickness_mm,
    a.increment_mm as earlier_increment_mm,
    b.increment_mm as later_increment_mm,
    coalesce(a.kernel, '') as earlier_kernel,
    coalesce(b.kernel, '') as later_kernel,
    coalesce(a.reconstruction, 'unknown') as earlier_reconstruction,
    coalesce(b.reconstruction, 'unknown') as later_reconstruction,
    a.kvp as earlier_kvp,
    b.kvp as later_kvp,
    a.is_gated as earlier_is_gated,
    b.is_gated as later_is_gated,
    a.series_key in (select s.series_key from sharing as s) as earlier_shares_images,
    b.series_key in (select s.series_key from sharing as s) as later_shares_images,
    a.model_digest as earlier_model_digest,
    b.model_digest as later_model_digest,
    a.scoring_version as earlier_scoring_version,
    b.scoring_version as later_scoring_version
from scored as b
inner join scored as a on a.person_key = b.person_key and a.nth = b.nth - 1
order by b.person_key, b.nth
