-- title: What became of each series, as things stand now
-- grain: one series found in the archive
-- key: series_key
-- reads: raw_series, raw_dispositions, raw_policy, raw_run, raw_runs
-- privacy: keys, scan date, age and sex; scores of keyed people
-- publish: operations
-- column: header_age_years | year | quasi | age at the scan, from its header
-- column: cac_drs_basis |  | open | what CAC-DRS is of: it was made for gated scans, so that others have an A-equivalent
-- column: header_sex |  | quasi | sex in the scan's header: F, M, O or empty
-- column: scan_kind |  | open | gated, pet_ct, lung_screening, low_dose or routine, by tag, scanner and recognised words; empty for what is no CT
-- column: reason |  | open | reason code that decided; empty for a score
-- column: redo_reason |  | open | of a score that stands although more of the series came since: why that is not scored yet; else empty
-- A disposition counts only for the content it was made for. The row committed last wins, but a
-- pending row (tonight's rescore did not get to it) never hides a finished one. A series without
-- any disposition is pending: the night ended before its turn came.
-- What rules say of a series, and how good it is among those of its study, follows tonight's headers
-- and stands in `series`: what they said in earlier nights of the same content does not count. So it
-- is with rejection notes, with headers that contradict one another, and with wishes.
-- Of the scored series of one study and person the best counts; what stood in for it is not chosen,
-- nor is a runner-up: in whose favour is of tonight, so where none is left it is pending.
-- The same images count once, for the series that was first to be scored of those that may count and
-- have them tonight; a copy counts again when that one goes.
-- Of the scored series of one study and person the best counts; what stood in for it is not chosen.
-- Where a scan was worked by several models, what the last sweep's model and scoring version made of
-- it stands: a site that goes back to an earlier model has that model's scores again.
-- Where a series only grew, the score of what it was stands until the whole has its own.
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

-- Which series each set of images is counted for: of those that may count tonight and still have
-- them the first that was scored (`owners_of_images` of the sweep says the same).
owners as (
    select
        d.image_digest,
        arg_min(d.series_key, {'at': d.committed_at, 'series_key': d.series_key}) as series_key
    from raw_dispositions as d
    inner join
        raw_series as s
        on s.series_key = d.series_key and s.content_digest = d.content_digest
    where
        d.state = 'scored'
        and d.image_digest <> ''
        and s.place_in_study is not null
        and not s.is_conflicted
        and coalesce(s.rejection, '') = ''
    group by d.image_digest
),

made as (
    select
        d.*,
        s.place_in_study is not null as is_eligible,
        coalesce(d.reasons[1], '') as first_reason,
        coalesce(o.series_key, d.series_key) <> d.series_key as is_anothers
    from raw_dispositions as d
    inner join tonight as s on s.series_key = d.series_key
    left join owners as o on o.image_digest = d.image_digest
),

latest as (
    select
        * exclude (is_eligible, first_reason, is_anothers),
        row_number() over (
            partition by series_key, content_digest
            order by
                state = 'pending',
                committed_at desc nulls last,
                choose_version desc,
                scoring_version desc,
                model_digest desc
        ) as nth
    from made
    where
        first_reason not in ('identity_conflict', 'opted_out')
        -- Whether it is chosen is told below, of tonight.
        and not (is_eligible and first_reason = 'not_chosen')
        -- A copy of images that are no longer counted for another series.
        and (first_reason <> 'duplicate_images_of' or is_anothers)
        -- A refusal by rules that no longer refuse.
        and not (
            is_eligible
            and state = 'ineligible'
            and coalesce(scoring_version, 0) = 0
            and first_reason not in ('not_chosen', 'duplicate_images_of')
        )
),

last_run as (
    select
        r.model_digest,
        r.scoring_version
    from raw_runs as r
    order by r.started_at desc
    limit 1
),

own as (
    select
        d.*,
        row_number() over (
            partition by d.series_key, d.content_digest
            order by d.committed_at desc nulls last
        ) as nth_own
    from latest as d
    inner join
        last_run as r
        on r.model_digest = d.model_digest and r.scoring_version = d.scoring_version
    where d.scoring_version > 0 and d.state <> 'pending'
),

-- One row a content.
standing as (
    select o.* exclude (nth_own)
    from latest as d
    inner join own as o
        on o.series_key = d.series_key and o.content_digest = d.content_digest and o.nth_own = 1
    where d.nth = 1 and d.scoring_version > 0
    union all by name
    select d.*
    from latest as d
    where
        d.nth = 1
        and (
            d.scoring_version = 0
            or d.scoring_version is null
            or (d.series_key, d.content_digest) not in (
                select (o.series_key, o.content_digest) from own as o
            )
        )
),

-- The last that was made of what a series was before it grew.
earlier as (
    select
        d.*,
        row_number() over (
            partition by d.series_key
            order by list_position(s.grown_from, d.content_digest) desc
        ) as nth_earlier
    from standing as d
    inner join tonight as s
        on s.series_key = d.series_key and list_contains(s.grown_from, d.content_digest)
    where d.state <> 'pending'
),

-- One row a series at most.
counted as (
    select
        d.*,
        '' as redo_reason
    from standing as d
    inner join tonight as s
        on s.series_key = d.series_key and s.content_digest = d.content_digest
    where
        d.state <> 'pending'
        or d.series_key not in (
            select e.series_key from earlier as e where e.nth_earlier = 1 and e.state = 'scored'
        )
    union all by name
    select
        e.* exclude (nth_earlier),
        coalesce(d.reasons[1], 'night_over') as redo_reason
    from earlier as e
    inner join tonight as s on s.series_key = e.series_key
    left join standing as d
        on d.series_key = s.series_key and d.content_digest = s.content_digest
    where
        e.nth_earlier = 1
        and e.state = 'scored'
        and coalesce(d.state, 'pending') = 'pending'
),

-- Scored themselves, of images that are counted for another series.
copies as (
    select
        d.series_key,
        o.series_key as original
    from counted as d
    inner join owners as o on o.image_digest = d.image_digest and o.series_key <> d.series_key
    where d.state = 'scored'
),

chosen as (
    select
        s.study_key,
        s.person_key,
        arg_min(s.series_key, s.place_in_study) as series_key
    from tonight as s
    inner join counted as d on d.series_key = s.series_key
    where
        d.state = 'scored'
        and len(s.against) = 0
        and s.place_in_study is not null
        and s.series_key not in (select o.series_key from copies as o)
    group by s.study_key, s.person_key
),

-- Not chosen in earlier nights: it holds for as long as a series of the study has a score.
runners_up as (
    select distinct
        m.series_key,
        m.content_digest
    from made as m
    where m.is_eligible and m.first_reason = 'not_chosen'
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
        end as against_detail
    from tonight as s
    left join copies as o on o.series_key = s.series_key
    left join chosen as c on c.study_key = s.study_key and c.person_key = s.person_key
    left join counted as d on d.series_key = s.series_key
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
    coalesce(d.image_digest, '') as image_digest,
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
left join counted as d on d.series_key = s.series_key and len(s.against) = 0
