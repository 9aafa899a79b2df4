-- title: The calcium of each scored scan, place by place
-- grain: one coronary artery, or one place outside the coronaries, of one scored series
-- key: series_key, label
-- reads: core_disposition
-- privacy: keys, scan date; calcium of keyed people
-- publish: operations
-- column: label |  | open | LM, LAD, LCX, RCA, or the place outside: aorta (thoracic), aortic_valve, mitral_annulus, …
-- column: is_coronary |  | open | counted in the score; false is told apart, never added
-- column: agatston | Agatston unit | health | of this place
-- column: volume_mm3 | mm³ | health | of this place, every voxel from the threshold on
-- column: mass_mg | mg | health | of this place, by the standard definition
-- column: n_lesions |  | health | lesions in three dimensions; empty outside the coronaries
-- column: density |  | health | mean Agatston weight over the counted area, 1 to 4; empty without, and outside the coronaries
-- Rows scored before version 3 hold no measures by place and are left out.
with places as (
    select
        series_key,
        person_key,
        index_date,
        grade,
        true as is_coronary,
        unnest(vessel_measures) as place
    from core_disposition
    where state = 'scored'
),

others as (
    select
        series_key,
        person_key,
        index_date,
        grade,
        false as is_coronary,
        unnest(other_measures) as place
    from core_disposition
    where state = 'scored'
)

select
    series_key,
    person_key,
    index_date,
    grade,
    is_coronary,
    place.label,
    place.agatston,
    place.volume_mm3,
    place.mass_mg,
    place.n_lesions,
    place.density
from places
union all
select
    series_key,
    person_key,
    index_date,
    grade,
    is_coronary,
    place.label,
    place.agatston,
    place.volume_mm3,
    place.mass_mg,
    null as n_lesions,
    null as density
from others
order by series_key, is_coronary desc, label
