-- title: Lipid treatment of each person, and whether LDL cholesterol is at goal
-- grain: one person of the clinical record
-- key: person_key
-- reads: core_delivered, raw_person, raw_event, raw_observation, raw_run, raw_setting
-- privacy: keys; clinical facts of keyed people
-- publish: no
-- column: is_on_statin |  | health | on a statin on the day as_of; empty unknown, where no medication at all was handed over
-- column: statin_intensity |  | health | of that statin: low, moderate, high (2018 AHA/ACC); empty unknown or none
-- column: is_on_other_lipid_drug |  | health | on a lipid medicine other than a statin on the day as_of; empty as above
-- column: ldl_mg_dl | mg/dL | health | latest LDL cholesterol of the window up to as_of
-- column: ldl_age_days | day | quasi | days from that value to as_of
-- column: is_ldl_at_goal |  | health | that value is below the goal; empty without a value
-- Second clock: as of as_of. A medicine counts up to and including its last day.
with policy as (
    select
        -- Below 70 mg/dL: the threshold of the 2018 AHA/ACC cholesterol guideline for those at
        -- very high risk (doi 10.1161/CIR.0000000000000625), and the goal for high risk of the
        -- 2019 ESC/EAS guideline (doi 10.1093/eurheartj/ehz455). Of a site: ldl_goal_mg_dl.
        coalesce(max(value) filter (where name = 'ldl_goal_mg_dl'), 70.0) as ldl_goal_mg_dl,
        coalesce(
            max(value) filter (where name = 'value_years:ldl_cholesterol_mg_dl'),
            max(value) filter (where name = 'value_years'),
            5.0
        ) as ldl_years
    from raw_setting
),

drugs as (
    select
        e.person_key,
        bool_or(e.concept = 'statin') as is_on_statin,
        bool_or(e.concept = 'other_lipid_lowering') as is_on_other_lipid_drug,
        max(list_position(['low', 'moderate', 'high'], e.intensity))
            filter (where e.concept = 'statin') as intensity
    from raw_event as e
    cross join raw_run as r
    where
        e.concept in ('statin', 'other_lipid_lowering')
        and (e.started_on is null or e.started_on <= r.as_of)
        and (e.stopped_on is null or e.stopped_on >= r.as_of)
    group by e.person_key
),

values_in_window as (
    select
        o.person_key,
        o.value,
        o.effective_on,
        max(o.effective_on) over (partition by o.person_key) as latest_on
    from raw_observation as o
    cross join raw_run as r
    cross join policy
    where
        o.concept = 'ldl_cholesterol_mg_dl'
        and o.effective_on <= r.as_of
        and o.effective_on
        >= r.as_of - to_months(cast(round(12 * policy.ldl_years) as integer))
),

ldl as (
    select
        person_key,
        latest_on,
        median(value) as ldl_mg_dl
    from values_in_window
    where effective_on = latest_on
    group by person_key, latest_on
)

select
    p.person_key,
    coalesce(d.is_on_statin, case when g.has_medications then false end) as is_on_statin,
    coalesce(['low', 'moderate', 'high'][d.intensity], '') as statin_intensity,
    coalesce(d.is_on_other_lipid_drug, case when g.has_medications then false end)
        as is_on_other_lipid_drug,
    l.ldl_mg_dl,
    r.as_of - l.latest_on as ldl_age_days,
    l.ldl_mg_dl < policy.ldl_goal_mg_dl as is_ldl_at_goal
from raw_person as p
cross join raw_run as r
cross join policy
cross join core_delivered as g
left join drugs as d on d.person_key = p.person_key
left join ldl as l on l.person_key = p.person_key
