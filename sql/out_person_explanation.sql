-- title: Everything the flag of one person rests on
-- grain: one person with at least one CT series
-- key: person_key
-- reads: core_person_flag, core_person_score, core_disposition, core_risk_input, core_formal_evidence, core_ascvd_evidence, core_treatment, raw_person, raw_policy, raw_risk, raw_run
-- privacy: keys, dates, age, sex, race; scores and clinical facts of keyed people
-- publish: operations
-- column: has_clinical_record |  | open | a clinical record matches the scan's patient number
-- column: equation |  | open | risk equation and its source
-- column: risk_inputs_used |  | health | inputs of the equation with the age of each value in days
-- column: risk_reasons |  | health | reason codes: why an estimate is empty
-- column: risk_detail |  | health | which inputs are missing or out of range
-- column: risk_imputed |  | health | inputs that the model drew because they are unknown
-- column: risk_stale |  | health | inputs used although old at the scan
-- column: risk_contributions |  | health | what each input adds to the model's sum, from a reference person on
-- column: ascvd_evidence |  | health | known cardiovascular disease up to as_of: kind, first date, record or image
-- column: formal_evidence |  | health | formal calcium scores up to as_of: where, what, first date, and whether they count
-- column: policies |  | health | wishes about the use of data: scope and first day
-- column: series |  | health | every series of the person: key, date, state, reasons, score, grade, quality flags
with scans as (
    select
        person_key,
        list(
            {
                'series_key': series_key,
                'index_date': index_date,
                'state': state,
                'reasons': reasons,
                'agatston': agatston,
                'grade': grade,
                'quality_flags': quality_flags
            }
            order by index_date nulls last, series_key
        ) as series
    from core_disposition
    group by person_key
),

ascvd as (
    select
        person_key,
        list(
            {'concept': concept, 'first_on': first_on, 'source': source, 'seen_in': seen_in}
            order by concept, source
        ) as ascvd_evidence
    from core_ascvd_evidence
    group by person_key
),

formal as (
    select
        person_key,
        list(
            {'source': source, 'evidence': evidence, 'first_on': first_on, 'counts': counts}
            order by source, evidence
        ) as formal_evidence
    from core_formal_evidence
    group by person_key
),

wishes as (
    select
        person_key,
        list({'scope': scope, 'valid_from': valid_from} order by scope, valid_from) as policies
    from raw_policy
    group by person_key
)

select
    f.person_key,
    r.as_of,
    f.flag,
    f.tier,
    f.tier_but_for,
    f.policy,
    f.flag_risk,
    f.flag_risk_source,
    f.reasons,
    f.series_key,
    f.index_date,
    f.age_years,
    f.sex,
    f.agatston,
    f.category,
    s.agatston_lm,
    s.agatston_lad,
    s.agatston_lcx,
    s.agatston_rca,
    f.grade,
    f.quality_flags,
    f.score_is_doubtful,
    s.later_doubtful_agatston,
    s.undated_agatston,
    coalesce(s.n_usable_scores, 0) as n_usable_scores,
    c.person_key is not null as has_clinical_record,
    c.death_date,
    coalesce(c.is_deceased, c.death_date is not null) as is_deceased,
    i.race,
    i.total_cholesterol_mg_dl,
    i.total_cholesterol_mg_dl_age_days,
    i.hdl_cholesterol_mg_dl,
    i.hdl_cholesterol_mg_dl_age_days,
    i.systolic_bp_mmhg,
    i.systolic_bp_mmhg_age_days,
    i.smoker,
    i.smoker_age_days,
    i.bp_treated,
    i.lipid_treated,
    i.diabetes,
    i.family_history_mi,
    k.equation,
    f.mesa_chd_10y,
    f.mesa_chd_10y_cac,
    k.percentile,
    k.percentile_text,
    k.percentile_source,
    coalesce(k.inputs_used, []) as risk_inputs_used,
    coalesce(k.reasons, []) as risk_reasons,
    coalesce(k.detail, '') as risk_detail,
    k.score2,
    coalesce(k.score2_reasons, []) as score2_reasons,
    k.model,
    k.model_risk,
    -- Where it is not known how far the score may be off, no interval of the risk holds either.
    case
        when s.agatston_low is not null or s.is_risk_floor or i.agatston is null
            then k.model_risk_low
    end as model_risk_low,
    case
        when s.agatston_low is not null or s.is_risk_floor or i.agatston is null
            then k.model_risk_high
    end as model_risk_high,
    coalesce(k.imputed, []) as risk_imputed,
    coalesce(k.stale, []) as risk_stale,
    coalesce(k.contributions, []) as risk_contributions,
    f.is_on_statin,
    coalesce(t.statin_intensity, '') as statin_intensity,
    t.ldl_mg_dl,
    t.ldl_age_days,
    t.is_ldl_at_goal,
    coalesce(v.ascvd_evidence, []) as ascvd_evidence,
    coalesce(e.formal_evidence, []) as formal_evidence,
    coalesce(w.policies, []) as policies,
    coalesce(n.series, []) as series
from core_person_flag as f
cross join raw_run as r
left join core_person_score as s on s.person_key = f.person_key
left join raw_person as c on c.person_key = f.person_key
left join core_treatment as t on t.person_key = f.person_key
left join core_risk_input as i on i.person_key = f.person_key
left join raw_risk as k on k.person_key = f.person_key and k.series_key = f.series_key
left join ascvd as v on v.person_key = f.person_key
left join formal as e on e.person_key = f.person_key
left join wishes as w on w.person_key = f.person_key
left join scans as n on n.person_key = f.person_key
