-- title: Rows of the clinical tables that were not taken
-- grain: one clinical table, reason and detail
-- key: source, reason, detail
-- reads: raw_clinical_rejections
-- privacy: counts only
-- publish: operations
-- column: source |  | open | clinical table the rows came from
-- column: reason |  | open | why they were not taken (reason code)
-- column: detail |  | open | unit, range or column concerned; for code_not_used the code lists that were asked
-- column: n |  | open | rows
-- The latest sweep that read clinical tables. For a code the program does not use, only the code
-- lists that were asked are named, never the code: hospitals write free text into code columns.
with told as (
    select
        source,
        reason,
        n,
        case
            when reason <> 'code_not_used' then coalesce(detail, '')
            when source = 'observation' then 'codes/observations.csv, codes/smoking.csv'
            when source = 'condition' then 'codes/conditions.csv'
            when source = 'medication' then 'codes/medications.csv'
            when source = 'procedure' then 'codes/procedures.csv'
            when source = 'report_text' then 'no formal calcium score in the text'
            else 'codes/words.csv'
        end as detail
    from raw_clinical_rejections
)

select
    source,
    reason,
    detail,
    sum(n)::bigint as n
from told
group by source, reason, detail
order by n desc, source, reason, detail
