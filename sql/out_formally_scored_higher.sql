-- title: People formally scored earlier whose category is higher now
-- grain: one person whom nothing but a formal score keeps off the list
-- key: person_key
-- reads: core_person_flag, raw_observation
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: formal_agatston | Agatston unit | health | the latest formal score dated before the scan, to 0.1
-- column: formal_category |  | health | its category
-- column: formal_on |  | quasi | its date: of a report the day of the report
-- column: years | year | quasi | from that date to the scan, to 0.1
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody is contacted
-- A formal score is of a gated scan: the two are no measure of growth, and a reader must compare
-- them. Only scores with a value and a date can be compared; those without stay off this list.
with formal as (
    select
        f.person_key,
        o.effective_on as formal_on,
        -- Of several of one day the highest: the category then rises least.
        max(o.value) as formal_agatston
    from core_person_flag as f
    inner join raw_observation as o
        on
            o.person_key = f.person_key
            and o.concept = 'formal_agatston'
            and o.effective_on < f.index_date
    where list_filter(f.reasons, lambda x: not list_contains(f.remarks, x)) = ['formally_scored']
    group by f.person_key, o.effective_on
    qualify row_number() over (partition by f.person_key order by o.effective_on desc) = 1
),

ranked as (
    select
        *,
        case
            when formal_agatston >= 1000 then '[1000,inf)'
            when formal_agatston >= 300 then '[300,1000)'
            when formal_agatston >= 100 then '[100,300)'
            when formal_agatston > 0 then '(0,100)'
            else '0'
        end as formal_category
    from formal
),

categories as (
    select ['0', '(0,100)', '[100,300)', '[300,1000)', '[1000,inf)'] as in_order
)

select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    round(r.formal_agatston, 1) as formal_agatston,
    r.formal_category,
    r.formal_on,
    round((f.index_date - r.formal_on) / 365.25, 1) as years,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'an image reader must compare the two' as note
from core_person_flag as f
inner join ranked as r on r.person_key = f.person_key
cross join categories as c
where list_position(c.in_order, f.category) > list_position(c.in_order, r.formal_category)
order by f.agatston desc, f.person_key
