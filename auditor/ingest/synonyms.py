"""Headers that exports use for the columns of a claim line.

Names are written out in full; the usual ``abbreviations`` of their words are known as well.
``#`` in a name stands for the number of a repeated column: ``Modifier #`` is ``Modifier 1``,
``MOD2``, ``3rd Modifier`` and ``First Modifier``. How a header is compared to them stands in
``header_names``.
"""


def _names(*groups: str) -> tuple[str, ...]:
    """Names out of groups separated by semicolons, one group an origin."""
    return tuple(name.strip() for group in groups for name in group.split(";"))


# Origins, in this order where a column has them: (1) billing systems and people, (2) Tuva input
# layer, (3) ResDAC research files (RIF) and CMS Integrated Data Repository (IDR),
# (4) X12 elements, UB-04 form locators and CMS-1500 boxes.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "claim_id": _names(
        "Claim ID; Claim Number; Claim Control Number; Patient Control Number; PCN",
        "Patient Account; Patient Account Number",  # Box 26 calls the claim number that
        "CLM_ID; CLM_UNIQ_ID",
        "CLM01; FL3a; Box 26",
    ),
    "line_number": _names(
        "Line Number; Claim Line; Claim Line Number; Claim Line ID; Service Line Number; Line Item",
        "Line Sequence; Line Sequence Number; Charge Line",
        "CLM_LINE_NUM; LINE_NUM",
        "LX01",
    ),
    "claim_type": _names(
        "Claim Type; Claim Type Code; Form Type; PB/HB; HB/PB; 837P/837I; Billing System",
        "Claim Form; Claim Form Type; Claim Format; Type of Claim; Inst/Prof; Prof/Inst",
        "NCH_CLM_TYPE_CD; CLM_TYPE_CD",
        "ST03",
    ),
    "bill_type": _names(
        "Bill Type; Bill Type Code; TOB; TOB Code; Type of Bill; UB Bill Type; UB Type of Bill",
        "UB04 Bill Type; UB04 Type of Bill; Claim Bill Type; Type of Bill Code",
        "FL4",
    ),
    "claim_frequency": _names(
        "Claim Frequency; Claim Frequency Code; Claim Frequency Type Code; Frequency Code",
        "Bill Frequency; Bill Frequency Code",
        "CLM_FREQ_CD",
        "CLM05-3",
    ),
    "original_claim_id": _names(
        "Original Claim ID; Original Claim Number; Original ICN; Original DCN",
        "Original Reference Number; Original Claim Reference Number",
        "Replaced Claim Number; Prior Claim ID; Prior Claim Number; Previous Claim ID",
        "Previous Claim Number",
        "CLM_ORIG_CNTL_NUM; FI_ORIG_CLM_CNTL_NUM",
        "REF*F8; FL64; Box 22",
    ),
    "payer_claim_number": _names(
        "Payer Claim Number; Payer Claim ID; Payer Claim Control Number; Payer ICN; ICN; DCN; TCN",
        "CARR_CLM_CNTL_NUM; FI_DOC_CLM_CNTL_NUM; CLM_CNTL_NUM",
    ),
    "patient_id": _names(
        "Patient ID; Patient Number; MRN; Patient MRN; Patient MRN ID; MR Number; EMPI",
        "Medical Record Number",
        "Person ID; Person Number",
        "BENE_ID; BENE_SK; DSYSRTKY",
        "FL3b",
    ),
    "service_date": _names(
        "Service Date; Date of Service; DOS; Service Date From; Service From; Service From Date",
        "Service Date Time; Service Start Date; From DOS; DOS From; Date of Service From",
        "From Date of Service; From Service Date; Line Service Date; Line DOS; Line DOS From",
        "Day of Service Date",
        "Line From Date; Claim Line Start Date; Claim Line From Date",
        "CLM_LINE_FROM_DT; LINE_1ST_EXPNS_DT; REV_CNTR_DT",
        "DTP*472; FL45; Box 24A",
    ),
    "service_date_to": _names(
        "Service Date To; Service To; Service To Date; Service Date Through; Service End Date",
        "Service Through Date; To DOS; DOS To; DOS Through; Date of Service To; To Date of Service",
        "To Service Date; Line DOS To; Line To Date; Line Through Date; Line End Date",
        "Claim Line End Date; Claim Line To Date; End DOS; End Service Date; Service Date End",
        "End Date of Service",
        "Last DOS; Last Service Date; Through DOS",
        "CLM_LINE_THRU_DT; LINE_LAST_EXPNS_DT",
    ),
    "statement_from": _names(
        "Statement From; Statement From Date; Statement Covers From; Covers From; Covers From Date",
        "From Date; Claim From Date; Statement Begin Date; Statement Start Date; Bill From Date",
        "Claim Start Date",
        "CLM_FROM_DT",
        "DTP*434 From; FL6 From",
    ),
    "statement_through": _names(
        "Statement Through; Statement Through Date; Statement To; Statement To Date",
        "Statement Covers Through; Covers Through; Covers Through Date; Through Date; To Date",
        "Claim Through Date; Claim To Date; Statement End Date; Statement Covers To",
        "Bill Through Date",
        "Claim End Date",
        "CLM_THRU_DT",
        "DTP*434 Through; FL6 Through",
    ),
    "received_date": _names(
        "Received Date; Date Received; Receipt Date; Claim Received Date; Payer Received Date",
        "Claim Receipt Date",
    ),
    "remit_date": _names(
        "Remittance Date; Paid Date; Date Paid; Payment Date; Check Date; Adjudication Date",
        "Adjudicated Date; Claim Paid Date; Payer Paid Date; ERA Date",
        "NCH_WKLY_PROC_DT; CLM_PD_DT",
    ),
    "procedure_code": _names(
        "Procedure Code; CPT; CPT Code; CPT4; CPT4 Code; HCPCS; HCPCS Code; CPT/HCPCS",
        "CPT/HCPCS Code; HCPCS/CPT; HCPCS/CPT Code; Line Procedure Code; Billed Procedure Code",
        "Procedure Code CPT; Procedure Code HCPCS; Procedure Code CPT/HCPCS; CPT Procedure Code",
        "HCPCS Procedure Code; CPT/HCPCS Procedure Code; HCPCS/Rate; HCPCS/Rates; HCPC; HCPC Code",
        "CPT #; # CPT; CPT Code #; HCPCS #; HCPCS Code #; Procedure Code #; # Procedure Code",
        "HCPCS_CD; CLM_LINE_HCPCS_CD",
        "SV101-2; SV202-2; FL44; Box 24D",
    ),
    "modifiers": _names(
        "Modifier; Modifiers; Modifier Code; Modifier Codes; Mods; HCPCS Modifier; CPT Modifier",
        "HCPCS Modifiers; CPT Modifiers; Procedure Modifier; Procedure Modifiers; Line Modifiers",
        "Line Modifier; Billing Modifier; Billing Modifiers; All Modifiers; Modifier List",
        "Modifier #; Modifiers #; # Modifier; Modifier Code #; # Modifier Code; M #",
        "CPT Modifier #; Procedure Modifier #; Procedure Code Modifier #; Modifier # Code",
        "Line Modifier #; 26/TC; TC/26; PC/TC; Component; Component Modifier",
        "HCPCS Modifier #; HCPCS Modifier Code #; Charge Modifier #; Billing Modifier #",
        "Billed Modifier #; Service Modifier #; CPT4 Modifier #; CPT Code Modifier #",
        "HCPCS Code Modifier #",
        "HCPCS_#_MDFR_CD",
        "SV101-#; SV202-#",
    ),
    "revenue_code": _names(
        "Revenue Code; UB Revenue; UB Revenue Code; Revenue Center; Line Revenue Code",
        "UB04 Revenue; UB04 Revenue Code; Revenue Code UB",
        "Revenue Center Code",
        "REV_CNTR; CLM_LINE_REV_CTR_CD",
        "SV201; FL42",
    ),
    "units": _names(
        "Units; Quantity; UOS; Service Units; Units of Service; Service Quantity; Line Units",
        "Billed Units; Units Billed; Unit Count; Number of Units; Days or Units; Days/Units",
        "Service Unit Quantity; Charge Quantity; Procedure Quantity; Billed Quantity",
        "Quantity Billed; Charge Units",
        "LINE_SRVC_CNT; REV_CNTR_UNIT_CNT; CLM_LINE_SRVC_UNIT_QTY",
        "SV104; SV205; FL46; Box 24G",
    ),
    "charge_cents": _names(
        "Charge; Charges; Charge Amount; Billed; Billed Amount; Amount Billed; Line Charge",
        "Line Charges; Line Charge Amount; Line Billed Amount; Submitted Charge; Submitted Charges",
        "Submitted Charge Amount; Billed Charge; Billed Charges; Line Item Charge Amount",
        "LINE_SBMTD_CHRG_AMT; REV_CNTR_TOT_CHRG_AMT; CLM_LINE_SBMT_CHRG_AMT",
        "SV102; SV203; FL47; Box 24F",
    ),
    "allowed_cents": _names(
        "Allowed; Allowed Amount; Amount Allowed; Line Allowed; Line Allowed Amount; Allowable",
        "Allowed Charge; Allowed Charges; Allowable Amount; Allow Amount",
        "LINE_ALOWD_CHRG_AMT; CLM_LINE_ALOWD_CHRG_AMT",
    ),
    "paid_cents": _names(
        "Paid; Paid Amount; Amount Paid; Payment Amount; Line Paid; Line Paid Amount",
        "Line Payment; Line Payment Amount; Insurance Paid; Insurance Payment; Payer Paid",
        "Payer Paid Amount; Insurance Paid Amount",
        "LINE_NCH_PMT_AMT; REV_CNTR_PMT_AMT_AMT; CLM_LINE_CVRD_PD_AMT",
        "SVC03",
    ),
    "patient_responsibility_cents": _names(
        "Patient Responsibility; Patient Responsibility Amount; Patient Share; PR Amount",
        "Patient Liability; Line Patient Responsibility",
        "REV_CNTR_PTNT_RSPNSBLTY_PMT; LINE_COINSRNC_AMT; CLM_LINE_MDCR_COINSRNC_AMT",
    ),
    "adjustment_codes": _names(
        "Adjustment Code; Adjustment Codes; Adjustment Reason Code; Adjustment Reason Codes",
        "Claim Adjustment Reason Code; Denial Code; Denial Codes; CARC; CARCs; CARC Code",
        "CARC Codes; CARC Code #; CARC #; Denial Code #; Adjustment Code #",
        "Adjustment Reason Code #; CAS Code; CAS Codes; Line CARC; Claim Adjustment Reason",
        "Line Adjustment Reason Code; Line Adjustment Reason Codes",
        "REV_CNTR_#_ANSI_CD",
        "CAS02",
    ),
    "remark_codes": _names(
        "Remark Code; Remark Codes; RARC; RARCs; RARC Code; RARC Codes; Remittance Remark Code",
        "Remark Code #; RARC #; RARC Code #; Line RARC",
        "Line Remark Code; Line Remark Codes",
        "LQ02",
    ),
    "place_of_service": _names(
        "Place of Service; Place of Service Code; POS; POS Code",
        "CLM_POS_CD; LINE_PLACE_OF_SRVC_CD",
        "SV105; Box 24B",
    ),
    "diagnosis_codes": _names(
        "Diagnosis; Diagnoses; Diagnosis Code; Diagnosis Codes; Dxs; ICD; ICDs; ICD10; ICD10 Code",
        "ICD10 Codes; ICD Code; ICD Codes; ICD10CM; ICD10 Diagnosis; Line Diagnosis",
        "Line Diagnosis Code; Line Diagnosis Codes; Diagnosis List; Diagnosis Code List",
        "Line Diagnosis #; Line Diagnosis Code #",
        "Diagnosis #; # Diagnosis; Diagnosis Code #; # Diagnosis Code; ICD #; ICD Code #; ICD10 #",
        "ICD10 Code #; ICD Diagnosis #; ICD10 Diagnosis #; ICD10CM #",
        "Diagnosis # Code; ICD # Code; ICD10 # Code; # ICD10; # ICD10 Code; # ICD; # ICD Code",
        "ICD Diagnosis Code #; ICD10 Diagnosis Code #; ICD10CM Code #; Diagnosis # ICD10",
        "Charge Diagnosis #; Charge Diagnosis Code #; ICD10CM Diagnosis #",
        "LINE_ICD_DGNS_CD; CLM_LINE_DGNS_CD",
    ),
    "diagnosis_pointers": _names(
        "Diagnosis Pointer; Diagnosis Pointers; Diagnosis Code Pointer; Diag Ptr; Dx Ptr",
        "ICD Pointer",
        "Diagnosis Pointer #; Diagnosis Code Pointer #",
        "SV107; Box 24E",
    ),
    "rendering_npi": _names(
        "Rendering NPI; Rendering Provider NPI; Performing NPI; Performing Provider NPI",
        "Performing Physician NPI; Service Provider NPI; Servicing Provider NPI",
        "PRF_PHYSN_NPI; RNDRNG_PHYSN_NPI; CLM_RNDRG_PRVDR_NPI_NUM; CLM_LINE_RNDRG_PRVDR_NPI_NUM",
        "Box 24J",
    ),
    "billing_npi": _names(
        "Billing NPI; Billing Provider NPI; Bill NPI; Bill Provider NPI; Group NPI",
        "Billing Group NPI; Billing Entity NPI; Organization NPI; Practice NPI; NPI Billing",
        "Medical Group NPI",
        "CARR_CLM_BLG_NPI_NUM; ORG_NPI_NUM",
        "FL56; Box 33a",
    ),
    "referring_npi": _names(
        "Referring NPI; Referring Provider NPI; Ordering NPI; Ordering Provider NPI",
        "RFR_PHYSN_NPI",
        "Box 17b",
    ),
    "facility_npi": _names(
        "Facility NPI; Service Facility NPI; Location NPI; Service Location NPI", "Box 32a"
    ),
    "department": _names(
        "Department; Department Name; Cost Center; Revenue Department; Charge Department",
        "Performing Department; Billing Department; Location Name",
    ),
    "payer": _names(
        "Payer; Payer Name; Primary Payer; Primary Payer Name; Payer Description; Insurance Name",
        "FL50; FL50A; Box 11c",
    ),
    "payer_type": _names("Payer Type; Payer Class; Payer Category; Payer Group; Insurance Type"),
    "service_state": _names(
        "Service State; State of Service; Facility State; Location State; Service Location State"
    ),
    "service_zip": _names(
        "Service ZIP; Facility ZIP; Location ZIP; Service Location ZIP; Service Facility ZIP"
    ),
    "authorization_number": _names(
        "Authorization Number; Authorization ID; Prior Authorization Number; PA Number",
        "Precert Number; Precertification Number; Preauth Number; Preauthorization Number",
        "Treatment Authorization Code",
        "REF*G1; FL63; Box 23",
    ),
    "attachment_control_number": _names(
        "Attachment Control Number; Attachment Number; Paperwork Number; Paperwork Control Number",
        "PWK Control Number; PWK Number; PWK ACN; ACN",
        "PWK06",
    ),
}

# Clear names that serve only where no name above is found, best first: a number or date of the
# whole claim, a number of another party. The required ones may be borrowed from another column.
SECOND_CHOICE: dict[str, tuple[str, ...]] = {
    "claim_id": _names(
        "SPLT_CLM_ID; Invoice Number; Invoice ID; Hospital Account; Hospital Account Number",
        "Hospital Account ID; HSP Account ID; HAR; Account Number; Account ID; Encounter Number",
        "Encounter ID; Voucher Number; FIN; FIN Number; Financial Number; Visit Number; Visit ID",
        "CSN; Patient Encounter CSN ID; Billing Account; Bill Number; Claim Reference Number",
        "Claim Key; Payer Claim Control Number; ICN; DCN; TCN",
        "CARR_CLM_CNTL_NUM; FI_DOC_CLM_CNTL_NUM; CLM_CNTL_NUM",
    ),
    "bill_type": _names("CLM05-1"),
    "claim_frequency": _names("Resubmission Code"),
    "patient_id": _names(
        "Member ID; Member Number; MBI; BENE_MBI_ID; Medicare ID; Medicare Number; Subscriber ID",
        "Subscriber Number; Insured ID; Beneficiary ID; Chart Number; Patient Key; Person Key",
        "NM109; FL8a; FL60; Box 1a",
    ),
    "service_date": _names(
        "Service Begin Date; Begin Service Date; Begin Date of Service; First Service Date",
        "Start DOS; First DOS; Charge Service Date; Charge From Date; Transaction Service Date",
        "Claim From Date; Claim Start Date; CLM_FROM_DT; Statement From; Statement From Date",
        "Statement Covers From; Covers From; Covers From Date; From Date; DTP*434 From; FL6 From",
    ),
    "statement_from": _names("Admit Date; Admission Date"),
    "statement_through": _names("Discharge Date"),
    "received_date": _names(
        "Billed Date; Bill Date; Date Billed; Submitted Date; Submit Date; Submission Date",
        "Claim Submission Date; Claim Date; File_Date; BHT04; Date Submitted; Claim Submit Date",
        "First Bill Date; Billing Date",
    ),
    "remit_date": _names("FI_CLM_PROC_DT"),
    "procedure_code": _names(
        "Billed CPT; CPT Billed; Line CPT; CPT Procedure; CPT Code ID; CPT4 Code ID"
    ),
    "units": _names("Item Quantity"),
    "charge_cents": _names(
        "Submitted Amount; Gross Charge; Gross Charges; Total Charge; Total Charges",
        "Total Charge Amount; Extended Price; Extended Amount; Item Extended Price",
    ),
    "allowed_cents": _names(
        "Payer Allowed; Payer Allowed Amount; Insurance Allowed; Insurance Allowed Amount",
        "Approved Amount; Allowed Fee",
    ),
    "paid_cents": _names(
        "Payer Payment; Payer Payments; Payer Payment Amount; Insurance Payments",
        "Insurance Payment Amount; Medicare Paid; Medicare Paid Amount; Total Paid",
        "Total Paid Amount",
    ),
    "patient_responsibility_cents": _names(
        "Patient Portion; Member Responsibility; Member Liability",
        "Coinsurance; Coinsurance Amount; Copay; Copay Amount",
    ),
    "diagnosis_codes": _names(
        "Claim Diagnosis #; Claim Diagnosis Code #; ICD_DGNS_CD#; CLM_DGNS_#_CD; Claim Diagnoses",
        "PRNCPAL_DGNS_CD; Billing Diagnosis; Encounter Diagnosis; Admitting Diagnosis",
        "Billing Diagnosis #; Encounter Diagnosis #",
    ),
    "place_of_service": _names("CLM05-1"),
    "rendering_npi": _names(
        "Reading NPI; Reading Physician NPI; Interpreting NPI; Interpreting Physician NPI",
        "Servicing NPI; Radiologist NPI",
    ),
    "payer": _names(
        "Insurance Plan; Insurance Plan Name; Insurance Company; Insurance Carrier; Plan Name",
        "Health Plan; Health Plan Name; Benefit Plan; Benefit Plan Name; Payer Plan; Carrier Name",
        "Primary Insurance Package Name; Insurance Package Name; Original Payer Name",
        "Original Payer",
    ),
}

# Everyday words that mean several things: taken only where the values look right, best first.
LOOSE: dict[str, tuple[str, ...]] = {
    "claim_id": _names("Claim; Invoice; Account; Encounter; Visit; Voucher"),
    "line_number": _names("Line; Ln; Service Line; Sequence; Sequence Number; Seq; Seq No; TX ID"),
    "claim_frequency": _names("Frequency"),
    "original_claim_id": _names("Original Claim; Replaced Claim"),
    # In Meditech the unit number is the patient's.
    "patient_id": _names("Patient; Member; Subscriber; Person; Beneficiary; Unit Number"),
    "service_date": _names(
        "Original Service Date; Begin DOS; DOS Begin; Beg DOS; Procedure Date; Exam Date",
        "Start Date",
    ),
    "service_date_to": _names("Charge To Date"),
    "statement_from": _names("Admission; Start Date"),
    "statement_through": _names("Discharge; End Date"),
    "received_date": _names("Received"),
    "procedure_code": _names("Procedure; Service Code; EAP Code; CDM Code; Code"),
    "revenue_code": _names("Revenue; UB Revenue Code ID"),
    # A hospital's units are also its wards.
    "units": _names("Unit; Unit Number"),
    "charge_cents": _names("TX Amount; Transaction Amount; Original Amount; Amount; Total Amount"),
    "paid_cents": _names("Payment; Payments"),
    "adjustment_codes": _names(
        "Reason Code #; Reason Code; Reason Codes; Denial Reason; Denial Reason Code; Adjustment",
        "Denial; Remittance Code; Remittance Codes; Reason",
        "Adjustment Reason #; CAS Reason #; CAS Reason Code #; Adjustment Reason; CAS Reason",
        "CAS Reason Code",
    ),
    "remark_codes": _names("Remark; Remarks; Remark #"),
    "diagnosis_pointers": _names("Pointer; Pointers"),
    "rendering_npi": _names(
        "Rendering Provider; Performing Provider; Rendering Physician; Provider NPI; NPI"
    ),
    "billing_npi": _names("Billing Provider; Pay-to NPI"),
    "referring_npi": _names("Referring Provider; Ordering Provider; Referring Physician"),
    "facility_npi": _names("Service Facility; Facility"),
    "payer": _names(
        "Primary Insurance; Insurance 1; Primary Plan; Plan; Insurance; Carrier",
        "Financial Class; FC; FSC",
    ),
    "payer_type": _names("Line of Business; LOB; Insurance Class; Financial Class; FC"),
    "service_state": _names("Provider State; PRVDR_STATE_CD"),
    "service_zip": _names("Provider ZIP; PRVDR_ZIP"),
    "authorization_number": _names("Authorization; Prior Authorization; Preauth; Precert"),
    "attachment_control_number": _names("PWK; Paperwork"),
}

# What stands behind a column's first ones, if its values are of the kind: a claim's second
# diagnosis is often its Secondary Diagnosis 1, or the first of its Other Diagnoses.
FURTHER: dict[str, tuple[str, ...]] = {
    "diagnosis_codes": _names(
        "Secondary Diagnoses; Secondary Diagnosis Codes; Secondary Diagnosis #; Secondary ICD10 #",
        "Secondary Diagnosis Code #; Secondary ICD #; Secondary Dxs; Sec Diagnosis #",
        "Sec Diagnosis Code #; Sec Diagnoses; Oth Diagnosis #; Oth Diagnosis Code #; Oth Diagnoses",
        "Other Diagnoses; Other Diagnosis Codes; Other Diagnosis; Other Diagnosis Code; Other Dxs",
        "Other Diagnosis #; Other Diagnosis Code #; Other ICD #; Other ICD10 #",
        "Additional Diagnoses; Additional Diagnosis Codes; Additional Diagnosis; Additional Dxs",
        "Additional Diagnosis #; Additional Diagnosis Code #",
    ),
    "modifiers": _names(
        "Other Modifier; Other Modifiers; Other Modifier #; Additional Modifier",
        "Additional Modifiers; Additional Modifier #; Secondary Modifiers",
    ),
}

# The type of bill in pieces (ResDAC): facility type, service classification, frequency.
BILL_TYPE_PIECES = _names("CLM_FAC_TYPE_CD; CLM_SRVC_CLSFCTN_TYPE_CD; CLM_FREQ_CD")
