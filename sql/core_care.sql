-- title: Care that keeps a person off the list, or that those who call should know of
-- grain: one person with such care on record
-- key: person_key
-- reads: core_person_score, raw_event, raw_run
-- privacy: keys; clinical facts of keyed people
-- publish: no
-- column: is_palliative |  | health | hospice or palliative care on record up to as_of
-- column: is_on_dialysis |  | health | dependence on dialysis on record up to as_of, or dialysis in the year up to it
-- column: has_transplant |  | health | a transplanted kidney, heart, lung or liver on record up to as_of
-- column: was_inpatient |  | health | in hospital on the day of the scan that counts, or a day beside it
-- Second clock: as of as_of. An undated mention counts. The codes are in `clinical/codes/`.
with policy as (
    select
        -- OUR OWN: a session in an acute illness years ago is no reason. Only procedures and
        -- encounters (90935, 5A1D, Z49) expire: dependence (Z99.2, N18.6) is a state.
        1 as dialysis_years,
        -- OUR OWN: a scan of the night before belongs to the stay, or to the day that is coded.
        1 as inpatient_days
),

dated as (
    select
        e.person_key,
        e.concept,
        e.started_on,
        e.started_on is null
        or e.started_on >= r.as_of - to_years(policy.dialysis_years) as is_recent,
        -- A stay lasts to its last day, without one still; other hospital care is coded by the day.
        coalesce(
            s.index_date between e.started_on - policy.inpatient_days
            and case
                when e.concept = 'inpatient_stay' then coalesce(e.stopped_on, s.index_date)
                else e.started_on
            end + policy.inpatient_days,
            false
        ) as is_at_scan
    from raw_event as e
    cross join raw_run as r
    cross join policy
    left join core_person_score as s on s.person_key = e.person_key
    where
        e.concept in (
            'palliative_care', 'dialysis', 'chronic_dialysis', 'transplant', 'inpatient_care',
            'inpatient_stay'
        )
        and (e.started_on is null or e.started_on <= r.as_of)
)

select
    person_key,
    bool_or(concept = 'palliative_care') as is_palliative,
    bool_or(concept = 'chronic_dialysis' or (concept = 'dialysis' and is_recent))
        as is_on_dialysis,
    bool_or(concept = 'transplant') as has_transplant,
    bool_or(concept in ('inpatient_care', 'inpatient_stay') and is_at_scan) as was_inpatient
from dated
group by person_key
