"""The catalogue: every rule, in report order."""

from auditor.rule import Rule
from auditor.rules import components, dates_of_service, revenue_codes, unbundling

CATALOGUE: tuple[Rule, ...] = (
    unbundling.ptp_pair_never_payable,
    unbundling.ptp_pair_without_modifier,
    unbundling.ptp_pair_bypassed,
    unbundling.one_acquisition_billed_twice,
    unbundling.ffrct_denied_as_bundled,
    components.professional_component_missing,
    components.technical_component_missing,
    components.global_billed_with_component,
    components.global_billed_in_facility,
    components.technical_component_billed_in_facility,
    components.component_modifier_on_hospital_line,
    components.both_components_on_one_line,
    components.component_modifier_not_applicable,
    components.component_billed_twice,
    components.component_modifier_not_first,
    revenue_codes.revenue_code_missing,
    revenue_codes.revenue_code_malformed,
    revenue_codes.revenue_code_unexpected,
    revenue_codes.revenue_code_not_preferred,
    revenue_codes.episode_cost_centers_differ,
    revenue_codes.revenue_code_on_professional_line,
    dates_of_service.ffrct_before_ccta,
    dates_of_service.ffrct_without_ccta,
    dates_of_service.ffrct_long_after_ccta,
    dates_of_service.episode_split_across_claims,
    dates_of_service.line_outside_statement_period,
    dates_of_service.procedure_not_valid_on_date,
    dates_of_service.professional_component_before_technical,
    dates_of_service.component_dates_far_apart,
    dates_of_service.service_dates_reversed,
    dates_of_service.service_date_in_future,
    dates_of_service.filed_late,
)
