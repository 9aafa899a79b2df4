-- title: Who may be in research tables, and under which key
-- grain: one person whose facts may be used for research
-- key: person_key
-- reads: core_person_flag, raw_person, raw_policy, raw_research_shift, raw_run
-- privacy: keys of both files: only ever made in memory, in no file
-- publish: no
-- column: research_key |  | key | random key of the person, of research tables only
-- column: shift_days | day | quasi | added to each of the person's dates in research tables
-- Left out: people who opted out of anything, minors, identity conflicts, ages unknown (without a
-- usable score there is none). People without a clinical record are left out too: their wishes
-- cannot be known, so they cannot have opted out. Research keys and date shifts belong to the
-- lake's vault.
with refused as (
    select distinct p.person_key
    from raw_policy as p
    cross join raw_run as r
    where
        p.scope in ('opt_out_all', 'opt_out_research')
        and (p.valid_from is null or p.valid_from <= r.wishes_on)
)

select
    x.person_key,
    x.research_key,
    x.shift_days
from raw_research_shift as x
inner join core_person_flag as f on f.person_key = x.person_key
inner join raw_person as c on c.person_key = x.person_key
where
    f.age_years is not null
    and not list_has_any(f.reasons, ['identity_conflict', 'opted_out', 'minor'])
    and not exists (from refused as q where q.person_key = x.person_key)
