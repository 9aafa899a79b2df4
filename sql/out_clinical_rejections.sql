-- title: Rows of the clinical tables that were not taken
-- grain: one clinical table, reason and detail
-- key: source, reason, detail
-- reads: raw_clinical_rejections
-- privacy: counts only
-- publish: operations
-- column: source |  | open | clinical table, FHIR resource type or OMOP table the rows came from
-- column: reason |  | open | why they were not taken (reason code)
-- column: detail |  | open | unit, range or column concerned; for code_not_used the code lists that were asked
-- column: n |  | open | rows
-- The latest sweep that read clinical tables. For a code the program does not use, only the code
-- lists that were asked are named, never the code: hospitals write free text into code columns.
-- OMOP concepts are numbers; those in no vocabulary are named.
with told as (
    select
        source,
        reason,
        n,
        case
            when
                reason <> 'code_not_used'
                or detail in (
                    'smoking status unknown',
                    'scope without restriction',
                    'no formal calcium score in the text'
                )
                -- The program's own words about a concept's number or a type of resources.
                or regexp_full_match(
                    detail,
                    '(concept ([0-9]+|unreadable) is|other concepts) not in CONCEPT|resources of type .+'
                )
                then coalesce(detail, '')
            when source in ('observation', 'Observation', 'measurement')
                then 'codes/observations.csv, codes/smoking.csv'
            when source in ('condition', 'Condition', 'condition_occurrence')
                then 'codes/conditions.csv'
            when source in ('procedure', 'Procedure', 'ImagingStudy', 'procedure_occurrence')
                then 'codes/procedures.csv'
            when source = 'DiagnosticReport'
                then 'no calcium score in text or code (codes/procedures.csv)'
            else 'codes/medications.csv, codes/medication_names.csv'
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
