-- title: What became of each series, as things stand now
-- grain: one series found in the archive
-- key: series_key
-- reads: core_standing, core_image_owner, raw_series, raw_dispositions, raw_policy, raw_run
-- privacy: keys, scan date, age and sex; scores of keyed people
-- publish: operations
-- column: header_age_years | year | quasi | age at the scan, from its header
-- column: cac_drs_basis |  | open | what CAC-DRS is of: it was made for gated scans, so that others have an A-equivalent
-- column: header_sex |  | quasi | sex in the scan's header: F, M, O or empty
-- column: scan_kind |  | open | gated, pet_ct, lung_screening, low_dose or routine, by tag, scanner and recognised words; empty for what is no CT
-- column: reason |  | open | reason code that decided; empty for a score
-- column: redo_reason |  | open | of a score that stands although more of the series came since: why that is not scored yet; else empty
-- A series of which nothing stands (core_standing) is pending: the night ended before its turn came.
-- What rules say of a series, and how good it is among those of its study, follows tonight's headers
-- and stands in `series`: what they said in earlier nights of the same content does not count. So it
-- is with rejection notes, with headers that contradict one another, and with wishes.
-- The same images count once (core_image_owner): a series of which they were made too is a copy.
-- Of the scored series of one study and person the best counts; what stood in for it is not chosen,
-- nor is a runner-up: in whose favour is of tonight, so where none is left it is pending. A copy has
-- its scan counted already: what is not as good as it is not chosen either.
with opt_outs as (
    select distinct p.person_key
    from raw_policy as p
    cross join raw_run as r
    where p.scope = 'opt_out_all' and (p.valid_from is null or p.valid_from <= r.wishes_on)
),

-- What says that a series is not used, whatever was made of its images.
tonight as (
    select
        s.*,
        case
            when s.is_conflicted then ['identity_conflict']
            when coalesce(s.rejection, '') <> '' then ['rejected_in_archive']
            when o.person_key is not null
                then list_concat(['opted_out'], coalesce(s.refused, []))
            else coalesce(s.refused, [])
        end as against,
        case
            when s.is_conflicted then ''
            when coalesce(s.rejection, '') <> '' then 'rejection note ' || s.rejection
            when o.person_key is not null then ''
            else coalesce(s.refused_detail, '')
        end as against_detail
    from raw_series as s
    left join opt_outs as o on o.person_key = s.person_key
),

-- What is known of the images that a series has tonight.
images as (
    select
        d.series_key,
        d.image_digest
    from raw_dispositions as d
    inner join
        raw_series as s
        on s.series_key = d.series_key and s.content_digest = d.content_digest
    where d.state = 'scored' or d.reasons[1] = 'duplicate_images_of'
    union
    select
        d.series_key,
        d.image_digest
    from core_standing as d
    where d.state = 'scored'
),

copies as (
    select
        s.series_key,
        s.study_key,
        s.person_key,
        s.place_in_study,
        min(o.series_key) as original,
        arg_min(o.image_digest, o.series_key) as image_digest
    from tonight as s
    inner join images as i on i.series_key = s.series_key
    inner join core_image_owner as o on o.image_digest = i.image_digest
    where
        len(s.against) = 0
        and s.series_key not in (select own.series_key from core_image_owner as own)
    group by s.series_key, s.study_key, s.person_key, s.place_in_study
),

-- The best of each study and person that was scored itself.
best as (
    select
        s.study_key,
        s.person_key,
        min(s.place_in_study) as place,
        arg_min(s.series_key, s.place_in_study) as series_key
    from tonight as s
    inner join core_standing as d on d.series_key = s.series_key
    where
        d.state = 'scored'
        and len(s.against) = 0
        and s.place_in_study is not null
        and s.series_key not in (select o.series_key from copies as o)
    group by s.study_key, s.person_key
),

-- The best copy in each study of images that count in another, before what was scored there.
told_elsewhere as (
    select
        c.study_key,
        c.person_key,
        arg_min(c.original, c.place_in_study) as original
    from copies as c
    inner join tonight as o on o.series_key = c.original
    left join best as b on b.study_key = c.study_key and b.person_key = c.person_key
    where
        c.place_in_study is not null
        and (c.study_key <> o.study_key or c.person_key <> o.person_key)
        and (b.place is null or c.place_in_study < b.place)
    group by c.study_key, c.person_key
),

-- A score steps back behind a copy only where the original surely counts: it is the best of its
-- study, and no copy stands before it.
chosen as (
    select
        study_key,
        person_key,
        case when b.series_key is null or o.series_key is not null then t.original else b.series_key
        end as series_key
    from best as b
    full join told_elsewhere as t using (study_key, person_key)
    left join (
        select a.series_key
        from best as a
        anti join told_elsewhere as e on e.study_key = a.study_key and e.person_key = a.person_key
    ) as o on o.series_key = t.original
),

-- Not chosen in earlier nights: it holds for as long as a series of the study has a score.
runners_up as (
    select distinct
        m.series_key,
        m.content_digest
    from raw_dispositions as m
    where m.reasons[1] = 'not_chosen'
),

judged as (
    select
        s.* exclude (against, against_detail),
        case
            when x.is_copy then ['duplicate_images_of']
            when x.is_stand_in then ['not_chosen']
            else s.against
        end as against,
        case
            when x.is_copy then 'original: ' || o.original
            when x.is_stand_in then 'chosen: ' || c.series_key
            else s.against_detail
        end as against_detail,
        o.image_digest as copied_digest
    from tonight as s
    left join copies as o on o.series_key = s.series_key
    left join chosen as c on c.study_key = s.study_key and c.person_key = s.person_key
    left join core_standing as d on d.series_key = s.series_key
    left join runners_up as u
        on u.series_key = s.series_key and u.content_digest = s.content_digest
    cross join lateral (
        select
            coalesce(
                (
                    d.state = 'scored'
                    or (u.series_key is not null and coalesce(d.state, 'pending') = 'pending')
                )
                and len(s.against) = 0
                and s.place_in_study is not null
                and c.series_key <> s.series_key,
                false
            ) as is_stand_in,
            len(s.against) = 0 and o.original is not null as is_copy
    ) as x
)

select
    s.series_key,
    s.study_key,
    s.person_key,
    s.modality,
    s.index_date,
    s.age_years as header_age_years,
    s.sex as header_sex,
    s.is_gated,
    case
        when s.modality <> 'CT' then ''
        when s.is_gated then 'gated'
        when list_contains(s.terms, 'attenuation') then 'pet_ct'
        when list_contains(s.terms, 'lung_screening') then 'lung_screening'
        when list_contains(s.terms, 'low_dose') then 'low_dose'
        else 'routine'
    end as scan_kind,
    s.n_slices,
    s.increment_mm,
    s.thickness_mm,
    s.kvp,
    s.kernel,
    s.manufacturer,
    case
        when s.is_conflicted then 'quarantined'
        when len(s.against) > 0 then 'ineligible'
        else coalesce(d.state, 'pending')
    end as state,
    case
        when len(s.against) > 0 then s.against
        when d.series_key is null then ['night_over']
        else coalesce(d.reasons, [])
    end as reasons,
    case
        when len(s.against) > 0 then s.against[1]
        when d.series_key is null then 'night_over'
        else coalesce(d.reasons[1], '')
    end as reason,
    case when len(s.against) > 0 then s.against_detail else coalesce(d.detail, '') end as detail,
    coalesce(d.redo_reason, '') as redo_reason,
    coalesce(d.image_digest, s.copied_digest, '') as image_digest,
    d.agatston,
    d.volume_mm3,
    d.mass_mg,
    d.category,
    d.agatston_lm,
    d.agatston_lad,
    d.agatston_lcx,
    d.agatston_rca,
    coalesce(d.other, []) as other,
    coalesce(d.other_measures, []) as other_measures,
    coalesce(d.vessel_measures, []) as vessel_measures,
    coalesce(d.lesions, []) as lesions,
    d.n_lesions,
    d.agatston_low,
    d.agatston_high,
    d.category_probability,
    d.n_vessels,
    d.density,
    d.volume_isotropic_mm3,
    d.mass_integrated_mg,
    d.volume_mm3_low,
    d.volume_mm3_high,
    d.volume_isotropic_mm3_low,
    d.volume_isotropic_mm3_high,
    d.mass_mg_low,
    d.mass_mg_high,
    d.mass_integrated_mg_low,
    d.mass_integrated_mg_high,
    d.mass_factor_source,
    d.mass_factor_mg_per_cm3_per_hu,
    d.mass_factor_error,
    d.agatston_kvp,
    d.kvp_source,
    d.agatston_native,
    d.slab_mm,
    d.score_group,
    d.cac_drs,
    case
        when d.cac_drs is null then ''
        when list_contains(d.quality_flags, 'gated') then 'of an ECG-gated scan'
        else 'A-equivalent, non-gated'
    end as cac_drs_basis,
    d.noise_hu,
    d.blood_hu,
    d.expected_false_agatston,
    d.border_blur_mm,
    d.grade,
    coalesce(d.quality_flags, []) as quality_flags,
    d.model_name,
    d.model_digest,
    d.provider,
    d.parameters,
    d.reconstruction,
    d.choose_version,
    d.scoring_version,
    coalesce(d.has_picture, false) as has_picture
from judged as s
left join core_standing as d on d.series_key = s.series_key and len(s.against) = 0
