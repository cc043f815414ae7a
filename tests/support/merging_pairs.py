"""Labelled pairs of statements: whether they say the same. Thresholds of merging are measured on them.

The same in other words, as two agents of a quality system would put it; and what sounds alike and is not the same:
another number, another record, another side, another subject. Thresholds and rules were set on the first two lists;
the last two were written afterwards and nothing was changed for them.
"""

SAME: tuple[tuple[str, str], ...] = (
    ("Three CAPAs are overdue.", "3 CAPAs are past their due date."),
    ("CAPA-2026-0014 is overdue.", "CAPA-2026-0014 has passed its due date."),
    ("Complaints about seal leaks are increasing.", "The number of complaints on seal leaks is rising."),
    (
        "Retrain the operators of line 2 on the torque procedure.",
        "Operators on line 2 should be retrained in the torque procedure.",
    ),
    ("5 suppliers have an expired certificate.", "The certificates of five suppliers have expired."),
    ("The root cause field is empty in 12 nonconformances.", "12 nonconformances have an empty root cause field."),
    ("Close NC-2026-0007 after verification.", "After verification, NC-2026-0007 should be closed."),
    ("The calibration of EQP-2026-0003 is overdue.", "EQP-2026-0003 is past its calibration due date."),
    ("40 % of the CAPAs have no effectiveness check.", "40 percent of CAPAs are without an effectiveness check."),
    (
        "The process is out of control on the fill weight chart.",
        "The fill weight chart shows a process that is out of control.",
    ),
    ("SOP-014 v3 is due for periodic review.", "The periodic review of SOP-014 v3 is due."),
    ("Add a due date to every open action.", "Every open action should be given a due date."),
    ("Two audits have open major findings.", "There are open major findings in two audits."),
    ("The average time to close a CAPA is 45 days.", "On average it takes 45 days to close a CAPA."),
    ("4 records of table qms.capas lack an owner.", "In qms.capas, 4 records have no owner."),
    (
        "Complaint handling takes longer than the target of 30 days.",
        "Handling of complaints takes longer than the 30 days target.",
    ),
    ("Define a rule for the severity of complaints.", "A rule for complaint severity should be defined."),
    ("There is no index on column record_id.", "Column record_id has no index."),
    ("Training on SOP-002 was not completed by 6 employees.", "6 employees did not complete the training on SOP-002."),
    ("Scrap is highest in the molding process.", "The molding process has the highest scrap."),
    ("Review the supplier agreement with Acme.", "The agreement with supplier Acme should be reviewed."),
    ("Nonconformances repeat at incoming inspection.", "Repeated nonconformances occur at incoming inspection."),
    ("Feedback about the app is mostly negative.", "Most feedback on the app is negative."),
    ("An effectiveness check should be planned for CAPA-2026-0021.", "Plan an effectiveness check for CAPA-2026-0021."),
    ("Weekly nonconformances rose from 4 to 9.", "The nonconformances per week increased from 4 to 9."),
    (
        "Duplicate serial numbers exist in the equipment register.",
        "The equipment register contains duplicate serial numbers.",
    ),
    ("Labels were mixed up at packaging station 4.", "There was a label mix-up at packaging station 4."),
    ("Update the risk file after the design change.", "After the design change the risk file should be updated."),
)

DIFFERENT: tuple[tuple[str, str], ...] = (
    # another number
    ("Three CAPAs are overdue.", "Five CAPAs are overdue."),
    ("12 nonconformances have no root cause.", "21 nonconformances have no root cause."),
    ("The average time to close a CAPA is 45 days.", "The average time to close a CAPA is 54 days."),
    ("Cpk is 1.33 on line 2.", "Cpk is 1.03 on line 2."),
    ("40 % of the CAPAs have no effectiveness check.", "4 % of the CAPAs have no effectiveness check."),
    ("3 minor and 5 major findings are open.", "5 minor and 3 major findings are open."),
    ("Scrap rose by 5 percent.", "Scrap rose by 5 ppm."),
    ("The fill weight is -0.5 g off target.", "The fill weight is 0.5 g off target."),
    # another record
    ("CAPA-2026-0014 is overdue.", "CAPA-2026-0015 is overdue."),
    ("NC-2026-0007 has no root cause.", "NC-2026-0070 has no root cause."),
    ("SOP-014 v3 is due for periodic review.", "SOP-014 v4 is due for periodic review."),
    ("NC-2026-0001 caused NC-2026-0002.", "NC-2026-0002 caused NC-2026-0001."),
    ("Lot L2045 failed the leak test.", "Lot L2054 failed the leak test."),
    # another side
    ("Complaints about seal leaks are increasing.", "Complaints about seal leaks are decreasing."),
    ("CAPA-2026-0014 was effective.", "CAPA-2026-0014 was not effective."),
    ("CAPA-2026-0014 was effective.", "CAPA-2026-0014 was ineffective."),
    ("NC-2026-0007 is open.", "NC-2026-0007 is closed."),
    ("There is evidence of the training.", "There is no evidence of the training."),
    ("The process is in control.", "The process is out of control."),
    ("All CAPAs have an owner.", "Not all CAPAs have an owner."),
    ("Lot L2045 passed the leak test.", "Lot L2045 failed the leak test."),
    ("The certificate of Acme is valid.", "The certificate of Acme has expired."),
    ("Scrap fell in March.", "Scrap rose in March."),
    ("The yield is above the target.", "The yield is below the target."),
    ("Signatures are required on form 7.", "Signatures are not required on form 7."),
    # another subject, or another matter
    ("Supplier Acme has an expired certificate.", "Supplier Borealis has an expired certificate."),
    ("Complaints about seal leaks are increasing.", "Complaints about labels are increasing."),
    ("Three CAPAs have no owner.", "Three CAPAs have no root cause."),
    ("Three CAPAs are overdue.", "Three audits are overdue."),
    ("There is no index on column record_id.", "There is no index on column owner_id."),
    ("Retrain the operators on the torque procedure.", "Retrain the operators on the cleaning procedure."),
    ("Internal audits are behind schedule.", "External audits are behind schedule."),
    ("Define a rule for the severity of complaints.", "Define an owner for every complaint."),
    ("Scrap rose in March.", "Scrap rose in April."),
    ("The periodic review of SOP-014 is due.", "The training on SOP-014 is due."),
    ("Two audits have open major findings.", "Two audits have no report."),
    ("Update the risk file after the design change.", "Update the design file after the risk review."),
    ("Add an index on the foreign key.", "Remove the index on the foreign key."),
)

SAME_UNSEEN: tuple[tuple[str, str], ...] = (
    (
        "The supplier audit of Borealis found 2 major findings.",
        "2 major findings were found in the audit of supplier Borealis.",
    ),
    ("Deviation DEV-2026-0003 has no impact assessment.", "No impact assessment was made for DEV-2026-0003."),
    (
        "Most nonconformances come from incoming inspection.",
        "Incoming inspection accounts for most of the nonconformances.",
    ),
    ("Assign an owner to CAPA-2026-0004.", "CAPA-2026-0004 should be assigned to an owner."),
    ("7 complaints wait for a reportability decision.", "The reportability decision is pending for 7 complaints."),
    ("Training compliance is 82 %.", "82 percent of the required training is complete."),
    (
        "The temperature chart shows a run of 8 points above the mean.",
        "8 consecutive points above the mean appear on the temperature chart.",
    ),
    ("Gauges are used past their calibration date.", "Instruments with expired calibration are in use."),
    ("Introduce a second check of labels before release.", "Before release, labels should be checked a second time."),
    ("The risk review has not been done since 2024.", "No risk review took place since 2024."),
)

DIFFERENT_UNSEEN: tuple[tuple[str, str], ...] = (
    (
        "The supplier audit of Borealis found 2 major findings.",
        "The supplier audit of Borealis found 2 minor findings.",
    ),
    ("Training compliance is 82 %.", "Document review compliance is 82 %."),
    ("Assign an owner to CAPA-2026-0004.", "Assign a due date to CAPA-2026-0004."),
    ("7 complaints wait for a reportability decision.", "7 complaints were reported to the authority."),
    (
        "The temperature chart shows a run of 8 points above the mean.",
        "The temperature chart shows a run of 8 points below the mean.",
    ),
    ("Introduce a second check of labels before release.", "Introduce a second check of dosage before release."),
    ("The containment of NC-2026-0009 worked.", "The containment of NC-2026-0009 did not work."),
    ("Verify the fix on line 2.", "Verify the fix on line 3."),
    ("Operators skip the cleaning step.", "Operators repeat the cleaning step."),
    ("The change was approved by quality.", "The change was approved by production."),
    ("Three documents await approval by the owner.", "Three documents await training of the owner."),
    ("The supplier answered the SCAR late.", "The supplier answered the SCAR on time."),
)
