-- title: People formally scored by the text of a report alone
-- grain: one person kept off the list by a formal score that only the text of a report tells
-- key: person_key
-- reads: core_person_flag, core_formal_evidence, raw_observation
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: source |  | health | the only evidence of the score: report_text
-- column: first_on |  | quasi | day of the first such report; empty where none carries a date
-- column: last_on |  | quasi | day of the last such report; empty where none carries a date
-- column: formal_agatston | Agatston unit | health | the latest score told by such a report, to 0.1; empty where none tells a number and a date
-- column: formal_on |  | quasi | day of the report that tells it
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody relies on it
-- Rules read the text, and can take a legend or a relative's score for the person's own: a reader
-- must look before such a person is left out. Evidence that is too old to count confirms nothing.
with by_text as (
    select
        person_key,
        any_value(source) as source,
        min(first_on) as first_on,
        max(last_on) as last_on
    from core_formal_evidence
    where counts
    group by person_key
    having bool_and(source = 'report_text')
),

told as (
    select
        t.person_key,
        o.effective_on as formal_on,
        max(o.value) as formal_agatston
    from by_text as t
    inner join raw_observation as o
        on
            o.person_key = t.person_key
            and o.concept = 'formal_agatston'
            and o.effective_on between t.first_on and t.last_on
    group by t.person_key, o.effective_on
    qualify row_number() over (partition by t.person_key order by o.effective_on desc) = 1
)

select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    t.source,
    t.first_on,
    t.last_on,
    round(o.formal_agatston, 1) as formal_agatston,
    o.formal_on,
    f.tier_but_for,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'a reader must confirm the score' as note
from core_person_flag as f
inner join by_text as t on t.person_key = f.person_key
left join told as o on o.person_key = f.person_key
where f.reason = 'formally_scored' and f.tier_but_for <> ''
order by f.agatston desc, f.person_key
