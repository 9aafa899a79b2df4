-- title: The latest value of each measurement before the person's index scan
-- grain: one concept of one person with a score
-- key: person_key, concept
-- reads: core_person_score, raw_observation, raw_setting
-- privacy: keys; measured values of keyed people
-- publish: no
-- column: series_key |  | key | random key of the index scan's series
-- column: value | as the concept's name says | health | latest value of the window up to the index date
-- column: age_days | day | quasi | days from the measurement to the index date
-- First clock: nothing after the index date enters. Several values of the latest day give their
-- median, a smoking answer its highest, so that the order of rows cannot matter.
with policy as (
    -- Lipids and pressure older than this say little about the day of the scan. Our own number;
    -- [clinical] value_years and value_years_of of the settings change it.
    select
        5.0 as default_years,
        max(value) filter (where name = 'value_years') as site_years
    from raw_setting
),

windows as (
    select
        c.concept,
        cast(round(12 * coalesce(s.value, policy.site_years, policy.default_years)) as integer)
            as months
    from (select distinct concept from raw_observation) as c
    cross join policy
    left join raw_setting as s on s.name = 'value_years:' || c.concept
),

in_window as (
    select
        p.person_key,
        p.series_key,
        p.index_date,
        o.concept,
        o.value,
        o.effective_on,
        max(o.effective_on) over (partition by p.person_key, o.concept) as latest_on
    from core_person_score as p
    inner join raw_observation as o
        on o.person_key = p.person_key and o.effective_on <= p.index_date
    inner join windows as w
        on w.concept = o.concept and o.effective_on >= p.index_date - to_months(w.months)
)

select
    person_key,
    series_key,
    concept,
    case when concept = 'smoker' then max(value) else median(value) end as value,
    index_date - latest_on as age_days
from in_window
where effective_on = latest_on
group by person_key, series_key, concept, index_date, latest_on
