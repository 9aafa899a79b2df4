-- title: People who are on dialysis and whose calcium would be on the list
-- grain: one person whom dialysis keeps off the list
-- key: person_key
-- reads: core_person_flag
-- privacy: keys, scan date, age, sex; scores and clinical facts of keyed people
-- publish: operations
-- column: tier_but_for |  | health | the tier by score, percentile and risk alone
-- column: age_years | year | quasi | age on the index date in whole years
-- column: agatston | Agatston unit | health | score of the scan that counts, to 0.1
-- column: note |  | open | what must happen before anybody is contacted
-- Who is out for another reason as well (known disease, a wish) is not here: nobody is called
-- against it. Who is on dialysis and has a transplant is on both lists.
select
    f.person_key,
    f.series_key,
    f.index_date,
    floor(f.age_years)::integer as age_years,
    f.sex,
    f.tier_but_for,
    round(f.agatston, 1) as agatston,
    f.category,
    f.grade,
    f.quality_flags,
    f.is_on_statin,
    'for the clinic that treats them, and an image reader must confirm' as note
from core_person_flag as f
where
    f.reason in ('dialysis', 'transplant')
    and list_contains(f.reasons, 'dialysis')
    and f.tier_but_for <> ''
order by f.agatston desc, f.person_key
