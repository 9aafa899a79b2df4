-- title: The latest value of each measurement before the person's index scan
-- grain: one concept of one person with a score
-- key: person_key, concept
-- reads: core_person_score, raw_observation
-- privacy: keys; measured values of keyed people
-- publish: no
-- column: series_key |  | key | random key of the index scan's series
-- column: value | as the concept's name says | health | latest value of the 5 years up to the index date
-- column: age_days | day | quasi | days from the measurement to the index date
-- First clock: nothing after the index date enters. Several values of the latest day give their
-- median, a smoking answer its highest, so that the order of rows cannot matter.
with policy as (
    -- Lipids and pressure older than this say little about the day of the scan. Our own number.
    select 5 as window_years
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
    cross join policy
    inner join raw_observation as o
        on
            o.person_key = p.person_key
            and o.effective_on <= p.index_date
            and o.effective_on >= p.index_date - to_years(policy.window_years)
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
