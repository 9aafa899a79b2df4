-- title: The flag of each person: flagged, not_flagged or cannot_say
-- grain: one person with at least one CT series
-- key: person_key
-- reads: core_disposition, core_person_score, core_formal_evidence, core_ascvd_evidence, core_treatment, core_care, core_sex, raw_ages, raw_ambiguous, raw_event, raw_person, raw_policy, raw_risk, raw_run, raw_setting
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: flag |  | health | flagged: on the list; not_flagged: what is known keeps them off (a low score, known disease, a wish); cannot_say: too little is known
-- column: tier |  | health | why flagged: cac_1000 Agatston 1000 or more; cac_300 300 to below 1000; cac_100 100 to below 300; percentile_75 below 100 and at the 75th percentile or above; risk_high below 100 and a 10-year risk that the policy calls high; age_18_39 and age_over_84 by the score, at ages without percentiles and risk; else empty
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone, whatever keeps the person off the list
-- column: reasons |  | health | all that applies, the first decides: the tier, or reason codes; the remarks last
-- column: remarks |  | health | what keeps nobody off the list: already_treated on a statin on the day as_of; sex_unclear where record and headers tell opposite sexes; answer_unclear where an answer on record is no plain yes
-- column: reason |  | health | the tier or reason code that decided
-- column: series_key |  | key | random key of the series whose score stands for the person; empty without one
-- column: index_date |  | quasi | local date of acquisition of that series
-- column: age_years | year | quasi | age on the index date
-- column: sex |  | quasi | F or M, from the clinical record, else the scans' headers; empty unknown, or where the two differ
-- column: statin_intensity |  | health | of that statin: low, moderate, high; empty unknown
-- column: doubtful_agatston | Agatston units | health | highest score of the scans after that day, of a lower grade, or without a date
-- column: is_on_statin |  | health | on a statin on the day as_of; empty unknown, for lack of a clinical record or of any medication in the delivery
-- column: policy |  | open | the policy that flagged: aha_acc_2018 or esc_2021
-- column: flag_risk | fraction | health | the 10-year risk that the policy looks at
-- column: flag_risk_source |  | open | model_risk (MESA with calcium, averaged over race unless it is an input and over what is missing; or a site's own model); score2
-- column: is_known_inpatient |  | health | hospital care is on record for the day of the scan or a day beside it
-- This file is the policy. Second clock: everything is as of raw_run.as_of. A reader must confirm
-- the finding before anybody is contacted. `reasons` lists all that apply; the first decides.
-- For a flagged person it holds the tier. Remarks keep nobody off: they stand last.
with thresholds as (
    select
        -- Agatston 100: a statin is indicated from here on (2018 AHA/ACC cholesterol guideline,
        -- doi 10.1161/CIR.0000000000000625).
        100.0 as agatston_moderate,
        -- Agatston 300: class A3 of CAC-DRS (Hecht 2018, J Cardiovasc Comput Tomogr 12:185).
        300.0 as agatston_severe,
        -- Agatston 1000: the highest stage of Maron and Budoff 2024 (JACC Adv 3:101287).
        1000.0 as agatston_extreme,
        18.0 as adult_years,
        -- Below 40 and from 85 on: tiers of their own. MESA was made for ages 45 to 84, its
        -- percentiles end at 80, Hoff's begin at 40.
        40.0 as young_below_years,
        85.0 as old_from_years
),

-- The ready policies: what differs between them. `[flag] policy` of the settings chooses one.
policies as (
    -- 2018 AHA/ACC cholesterol guideline, 10 November 2018, doi 10.1161/CIR.0000000000000625:
    -- Agatston 100 or the 75th percentile.
    select
        'aha_acc_2018' as policy,
        75.0 as percentile_high,
        -- Below 40 any calcium is above the 75th percentile: fewer than a quarter have some
        -- (Javaid 2022, J Am Coll Cardiol 79:1873: 15 % of white men of 36, others fewer).
        true as any_calcium_when_young,
        'chd' as risk_used,
        -- MESA 10-year CHD with calcium. OUR OWN number, not a guideline's: MESA estimates
        -- coronary heart disease, not hard ASCVD, so 7.5 % here is not the guideline's 7.5 %.
        0.075 as risk_high_below_50,
        0.075 as risk_high_50_to_69,
        0.075 as risk_high_from_70
    union all
    -- 2021 ESC prevention guideline, 30 August 2021, doi 10.1093/eurheartj/ehab484: SCORE2, very
    -- high risk by age. The numbers are as others render the guideline; its text was not read
    -- here. That a scan's calcium flags by the same scores as above is OUR OWN.
    select
        'esc_2021' as policy,
        null as percentile_high,
        false as any_calcium_when_young,
        'score2' as risk_used,
        0.075 as risk_high_below_50,
        0.10 as risk_high_50_to_69,
        0.15 as risk_high_from_70
    -- 2026 ACC/AHA dyslipidaemia guideline, doi 10.1161/CIR.0000000000001423: disabled. Its text
    -- was not read here, and what others say of its calcium thresholds is contradictory.
),

policy as (
    select
        t.*,
        p.*,
        coalesce(
            (
                select max(split_part(name, ':', 2))
                from raw_setting
                where name like 'minimum_grade:%'
            ),
            'C'
        ) as minimum_grade
    from thresholds as t
    cross join policies as p
    where
        p.policy = coalesce(
            (
                select max(split_part(name, ':', 2))
                from raw_setting
                where name like 'flag_policy:%'
            ),
            'aha_acc_2018'
        )
),

scans as (
    select
        d.person_key,
        bool_or(list_contains(d.reasons, 'identity_conflict')) as has_identity_conflict,
        bool_or(list_contains(d.reasons, 'opted_out')) as was_opted_out,
        -- Known to have been a child in some scan, and in no scan known to have been an adult.
        coalesce(
            bool_or(
                list_contains(d.reasons, 'minor')
                or coalesce(a.age_years, d.header_age_years) < policy.adult_years
            ),
            false
        )
        and not coalesce(
            bool_or(
                not list_contains(d.reasons, 'minor')
                and coalesce(a.age_years, d.header_age_years) >= policy.adult_years
            ),
            false
        ) as is_minor,
        bool_or(d.modality = 'CT') as has_ct,
        coalesce(bool_or(d.state = 'scored' and d.grade = 'D' and d.index_date <= r.as_of), false)
            as has_grade_d,
        coalesce(bool_or(d.state = 'scored' and d.index_date is null), false) as has_undated_score
    from core_disposition as d
    cross join raw_run as r
    cross join policy
    left join raw_ages as a on a.series_key = d.series_key
    where d.person_key is not null and d.person_key <> ''
    group by d.person_key
    having bool_or(d.modality = 'CT')
),

-- An opt-out whose date cannot be read is honoured.
opt_outs as (
    select distinct p.person_key
    from raw_policy as p
    cross join raw_run as r
    where p.scope = 'opt_out_all' and (p.valid_from is null or p.valid_from <= r.wishes_on)
),

-- Of a doubtful answer about diabetes or a relative the equations know themselves.
unclear_answers as (
    select distinct e.person_key
    from raw_event as e
    cross join raw_run as r
    where e.concept = 'answer_unclear' and (e.started_on is null or e.started_on <= r.as_of)
),

facts as (
    select
        s.person_key,
        p.series_key,
        p.index_date,
        p.age_years,
        coalesce(x.sex, '') as sex,
        p.agatston,
        p.category,
        p.grade,
        coalesce(p.quality_flags, []) as quality_flags,
        coalesce(p.score_is_doubtful, false) as score_is_doubtful,
        coalesce(p.may_be_more, false) as may_be_more,
        k.mesa_chd_10y,
        k.mesa_chd_10y_cac,
        policy.policy,
        policy.risk_used,
        case
            when policy.risk_used = 'score2' then k.score2
            -- The model takes race only where `[risk] race` says so, draws a lower bound's score
            -- from above it, and is a site's own where one is named. Complete inputs give MESA,
            -- averaged over race unless race is an input: the published equation's own column
            -- (mesa_chd_10y_cac) always has race, and so decides nothing.
            else k.model_risk
        end as flag_risk,
        case
            when policy.risk_used = 'score2'
                then case when k.score2 is not null then 'score2' else '' end
            when k.model_risk is not null then 'model_risk'
            else ''
        end as flag_risk_source,
        case
            when p.age_years < 50 then policy.risk_high_below_50
            when p.age_years < 70 then policy.risk_high_50_to_69
            else policy.risk_high_from_70
        end as risk_high,
        -- The tables' highest percentiles are 90 and 95: what lies above has no number.
        coalesce(
            k.percentile >= policy.percentile_high
            or (policy.percentile_high is not null and k.percentile_text like 'above %'),
            false
        ) as is_percentile_high,
        policy.percentile_high is not null and coalesce(k.percentile_text, '') = ''
            as lacks_percentile,
        case
            when policy.risk_used = 'score2' then coalesce(k.score2_reasons, [])
            else coalesce(k.reasons, [])
        end as risk_reasons,
        coalesce(list_contains(k.reasons, 'unit_suspect'), false) as has_suspect_input,
        coalesce(q.was_inpatient, false) as is_known_inpatient,
        -- Without a record nobody knows what is taken: null, not false.
        t.is_on_statin,
        t.statin_intensity,
        t.ldl_mg_dl,
        t.is_ldl_at_goal,
        list_filter(
            [
                case when t.is_on_statin then 'already_treated' end,
                case when x.is_unclear then 'sex_unclear' end,
                case when u.person_key is not null then 'answer_unclear' end
            ],
            lambda r: r is not null
        ) as remarks,
        case when s.has_identity_conflict then 'identity_conflict' end as conflict,
        [
            case when o.person_key is not null or s.was_opted_out then 'opted_out' end,
            case when s.is_minor then 'minor' end,
            case
                when c.death_date <= r.as_of or (c.is_deceased and c.death_date is null)
                    then 'deceased'
            end,
            case when q.is_palliative then 'palliative_care' end,
            case when v.person_key is not null then 'known_ascvd' end,
            case when f.person_key is not null then 'formally_scored' end,
            -- These two have lists of their own.
            case when q.is_on_dialysis then 'dialysis' end,
            case when q.has_transplant then 'transplant' end
        ] as exclusions,
        [
            case
                when c.person_key is not null then null
                when m.person_key is not null then 'ambiguous_record'
                else 'no_clinical_record'
            end,
            case
                -- Grades sort as letters: A before B before C.
                when p.grade > policy.minimum_grade then 'grade_too_low'
                when p.person_key is not null then null
                when s.has_grade_d then 'grade_too_low'
                -- A score without a date cannot be put before or after anything.
                when s.has_undated_score then 'no_scan_date'
                else 'no_score'
            end
        ] as gaps,
        p.agatston >= policy.agatston_moderate as is_moderate,
        p.agatston >= policy.agatston_severe as is_severe,
        p.agatston >= policy.agatston_extreme as is_extreme,
        p.agatston > 0 as has_calcium,
        greatest(p.later_doubtful_agatston, p.undated_agatston) as doubtful_agatston,
        -- From the flag's threshold on, or above all that the score that counts may be: without an
        -- interval above that score itself.
        coalesce(
            doubtful_agatston >= policy.agatston_moderate
            or doubtful_agatston > coalesce(p.agatston_high, p.agatston),
            false
        ) as is_doubtful_more,
        coalesce(p.age_years < policy.young_below_years, false) as is_young,
        coalesce(p.age_years >= policy.old_from_years, false) as is_old,
        policy.any_calcium_when_young
    from scans as s
    cross join raw_run as r
    cross join policy
    left join core_person_score as p on p.person_key = s.person_key
    left join raw_person as c on c.person_key = s.person_key
    left join raw_ambiguous as m on m.person_key = s.person_key
    left join raw_risk as k on k.person_key = p.person_key and k.series_key = p.series_key
    left join core_sex as x on x.person_key = s.person_key
    left join unclear_answers as u on u.person_key = s.person_key
    left join opt_outs as o on o.person_key = s.person_key
    left join core_treatment as t on t.person_key = s.person_key
    left join core_care as q on q.person_key = s.person_key
    left join (select distinct person_key from core_ascvd_evidence) as v
        on v.person_key = s.person_key
    left join (select distinct person_key from core_formal_evidence where counts) as f
        on f.person_key = s.person_key
),

tiered as (
    select
        *,
        case
            when is_young
                then case
                    when is_moderate or (any_calcium_when_young and has_calcium) then 'age_18_39'
                end
            when is_old then case when is_moderate then 'age_over_84' end
            when is_extreme then 'cac_1000'
            when is_severe then 'cac_300'
            when is_moderate then 'cac_100'
            when has_calcium and is_percentile_high then 'percentile_75'
            when has_calcium and flag_risk >= risk_high then 'risk_high'
        end as tier_if_flagged
    from facts
),

judged as (
    select
        *,
        list_filter(
            list_concat(
                list_concat([conflict], list_concat(exclusions, gaps)),
                -- That a part of the calcium is below the threshold says nothing of the whole.
                [
                    case when may_be_more and tier_if_flagged is null then 'lower_bound' end,
                    -- An older low score cannot answer a newer one, or one that may be newer, from
                    -- the threshold on or above all it may be itself, doubtful as that is.
                    case
                        when is_doubtful_more and tier_if_flagged is null
                            then 'later_scan_doubtful'
                    end,
                    -- Some calcium, and a risk that only a missing input keeps from being told.
                    case
                        when
                            has_calcium and tier_if_flagged is null and flag_risk is null
                            and list_contains(risk_reasons, 'missing_input')
                            and not list_contains(risk_reasons, 'out_of_range')
                            then 'missing_input'
                        -- The percentile of the one sex may be high where the other's is not.
                        when
                            has_calcium and tier_if_flagged is null and lacks_percentile
                            and list_contains(remarks, 'sex_unclear') and not is_young and not is_old
                            then 'missing_input'
                        -- SCORE2 was not made for people with diabetes, whose risk is not low.
                        when
                            has_calcium and tier_if_flagged is null and flag_risk is null
                            and risk_used = 'score2' and not is_young and not is_old
                            and list_contains(risk_reasons, 'out_of_range')
                            then 'out_of_range'
                    end
                ]
            ),
            lambda x: x is not null
        ) as obstacles
    from tiered
)

select
    person_key,
    case
        when
            list_contains(
                [
                    'identity_conflict', 'no_clinical_record', 'ambiguous_record', 'no_score',
                    'grade_too_low', 'no_scan_date', 'lower_bound', 'later_scan_doubtful',
                    'missing_input', 'out_of_range'
                ],
                obstacles[1]
            )
            then 'cannot_say'
        when len(obstacles) = 0 and tier_if_flagged is not null then 'flagged'
        else 'not_flagged'
    end as flag,
    case when len(obstacles) = 0 then coalesce(tier_if_flagged, '') else '' end as tier,
    coalesce(tier_if_flagged, '') as tier_but_for,
    list_concat(
        case
            when len(obstacles) > 0 then obstacles
            when tier_if_flagged is not null then [tier_if_flagged]
            -- A small score without risk or percentile is below the threshold of the score; that
            -- another road was closed is said beside it.
            else list_concat(
                list_concat(
                    ['below_threshold'],
                    case
                        when has_calcium and flag_risk is null then risk_reasons
                        -- The risk was averaged over values that cannot be right.
                        when has_calcium and has_suspect_input then ['unit_suspect']
                        else []
                    end
                ),
                case
                    when has_calcium and lacks_percentile and not is_young and not is_old
                        then ['no_percentile']
                    else []
                end
            )
        end,
        remarks
    ) as reasons,
    remarks,
    case
        when len(obstacles) > 0 then obstacles[1]
        else coalesce(tier_if_flagged, 'below_threshold')
    end as reason,
    series_key,
    index_date,
    age_years,
    sex,
    agatston,
    category,
    grade,
    quality_flags,
    score_is_doubtful,
    doubtful_agatston,
    is_on_statin,
    statin_intensity,
    ldl_mg_dl,
    is_ldl_at_goal,
    mesa_chd_10y,
    mesa_chd_10y_cac,
    policy,
    flag_risk,
    flag_risk_source,
    is_known_inpatient
from judged
