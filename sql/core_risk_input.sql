-- title: The inputs of the risk equations at the person's index scan
-- grain: one person with a score
-- key: person_key
-- reads: core_delivered, core_person_score, core_observation_at_index, core_sex, raw_person, raw_event
-- privacy: keys, age, sex, race; clinical facts of keyed people
-- publish: no
-- column: age_years | year | quasi | age on the index date
-- column: sex |  | quasi | F or M, from the clinical record, else the scan's header; empty unknown
-- column: total_cholesterol_mg_dl | mg/dL | health | latest total cholesterol of the window up to the index date
-- column: total_cholesterol_mg_dl_age_days | day | quasi | days from that value to the index date
-- column: hdl_cholesterol_mg_dl | mg/dL | health | latest HDL cholesterol of the window up to the index date
-- column: hdl_cholesterol_mg_dl_age_days | day | quasi | days from that value to the index date
-- column: systolic_bp_mmhg | mmHg | health | latest systolic pressure of the window up to the index date
-- column: systolic_bp_mmhg_age_days | day | quasi | days from that value to the index date
-- column: smoker |  | health | 1 current smoker, 0 not, by the latest answer up to the index date; empty unknown
-- column: smoker_age_days | day | quasi | days from that answer to the index date
-- column: egfr | mL/min/1.73 m² | health | latest filtration rate of the window up to the index date
-- column: egfr_age_days | day | quasi | days from that value to the index date
-- column: bmi | kg/m² | health | latest body mass index of the window up to the index date
-- column: bmi_age_days | day | quasi | days from that value to the index date
-- column: agatston_at_least | Agatston unit | health | what was seen, where the heart is cut and the score no measure of the whole; empty where what was counted may be too much
-- column: bp_treated |  | health | 1 blood-pressure medicine on the index date, 0 none on record, empty unknown
-- column: lipid_treated |  | health | 1 lipid medicine (statin or other) on the index date, 0 none, empty unknown
-- column: diabetes |  | health | 1 diabetes on record by the index date, 0 none on record, empty unknown
-- column: family_history_mi |  | health | 1 infarction in the family on record by the index date, 0 none, empty unknown
-- First clock: everything as it was known on the index date. A flag is 0 only for somebody who
-- has a clinical record in which the fact is not recorded by then; without a record, when the only
-- mention carries no date or leaves it open ("diabetes: not known"), or when no row of the whole
-- delivery can tell it, it is unknown (null).
with measured as (
    select
        person_key,
        max(value) filter (where concept = 'total_cholesterol_mg_dl') as total_cholesterol_mg_dl,
        max(age_days) filter (where concept = 'total_cholesterol_mg_dl')
            as total_cholesterol_mg_dl_age_days,
        max(value) filter (where concept = 'hdl_cholesterol_mg_dl') as hdl_cholesterol_mg_dl,
        max(age_days) filter (where concept = 'hdl_cholesterol_mg_dl')
            as hdl_cholesterol_mg_dl_age_days,
        max(value) filter (where concept = 'systolic_bp_mmhg') as systolic_bp_mmhg,
        max(age_days) filter (where concept = 'systolic_bp_mmhg') as systolic_bp_mmhg_age_days,
        max(value) filter (where concept = 'smoker') as smoker,
        max(age_days) filter (where concept = 'smoker') as smoker_age_days,
        max(value) filter (where concept = 'egfr_ml_min_173m2') as egfr,
        max(age_days) filter (where concept = 'egfr_ml_min_173m2') as egfr_age_days,
        max(value) filter (where concept = 'bmi_kg_m2') as bmi,
        max(age_days) filter (where concept = 'bmi_kg_m2') as bmi_age_days
    from core_observation_at_index
    group by person_key
),

-- 2 known at index, 1 perhaps (no start date, or a month around it), 0 known only later or already over.
facts as (
    select
        p.person_key,
        e.concept,
        max(
            case
                -- A medication counts up to and including its last day.
                when e.stopped_on < p.index_date then 0
                -- Of a year or a month the last day decides, of a condition the day it was recorded:
                -- nothing later may enter. Begun before the scan and recorded after it: perhaps.
                when coalesce(e.started_by, e.started_on) <= p.index_date then 2
                when e.started_on is null then 1
                when e.started_on <= p.index_date then 1
                else 0
            end
        ) as certainty
    from core_person_score as p
    inner join raw_event as e on e.person_key = p.person_key
    group by p.person_key, e.concept
),

unmentioned as (
    select
        case when has_conditions then 0 else 1 end as condition,
        case when has_medications then 0 else 1 end as medication
    from core_delivered
),

-- From certainty to flag: a person with a record and no mention has no row here, hence 0; unknown
-- where nobody has one, for want of the table.
flags as (
    select
        p.person_key,
        [0.0, null, 1.0] as flag_of,
        coalesce(
            max(f.certainty) filter (where f.concept = 'antihypertensive'),
            max(unmentioned.medication)
        ) as bp_treated,
        coalesce(
            max(f.certainty) filter (where f.concept in ('statin', 'other_lipid_lowering')),
            max(unmentioned.medication)
        ) as lipid_treated,
        greatest(
            coalesce(
                max(f.certainty) filter (where f.concept = 'diabetes'), max(unmentioned.condition)
            ),
            max(case when f.concept = 'diabetes_not_known' then 1 end)
        ) as diabetes,
        greatest(
            coalesce(
                max(f.certainty) filter (where f.concept = 'family_history_mi'),
                max(unmentioned.condition)
            ),
            max(case when f.concept = 'family_history_mi_not_known' then 1 end)
        ) as family_history_mi
    from raw_person as p
    cross join unmentioned
    left join facts as f on f.person_key = p.person_key
    group by p.person_key
)

select
    p.person_key,
    p.series_key,
    p.age_years,
    coalesce(x.sex, '') as sex,
    coalesce(c.race, '') as race,
    -- Arteries that are not in the images make no risk lower: the score counts as missing.
    case when not coalesce(list_contains(p.quality_flags, 'heart_incomplete'), false) then p.agatston end
        as agatston,
    case
        when p.is_risk_floor and list_contains(p.quality_flags, 'heart_incomplete')
            then p.agatston
    end as agatston_at_least,
    -- Where it is not told how far a lower bound may be off, what was seen is its low end.
    coalesce(p.agatston_low, case when p.is_risk_floor then p.agatston end) as agatston_low,
    p.agatston_high,
    m.total_cholesterol_mg_dl,
    m.total_cholesterol_mg_dl_age_days,
    m.hdl_cholesterol_mg_dl,
    m.hdl_cholesterol_mg_dl_age_days,
    m.systolic_bp_mmhg,
    m.systolic_bp_mmhg_age_days,
    m.smoker,
    m.smoker_age_days,
    m.egfr,
    m.egfr_age_days,
    m.bmi,
    m.bmi_age_days,
    f.flag_of[f.bp_treated + 1]::double as bp_treated,
    f.flag_of[f.lipid_treated + 1]::double as lipid_treated,
    f.flag_of[f.diabetes + 1]::double as diabetes,
    f.flag_of[f.family_history_mi + 1]::double as family_history_mi
from core_person_score as p
left join raw_person as c on c.person_key = p.person_key
left join core_sex as x on x.person_key = p.person_key
left join measured as m on m.person_key = p.person_key
left join flags as f on f.person_key = p.person_key
