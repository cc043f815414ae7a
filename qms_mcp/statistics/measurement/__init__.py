"""Measurement system analysis: how much of what is seen is the measuring, not the parts.

    study = crossed_study(values, parts, operators)
    result = by_anova(study)                # components of variance with intervals, F tests, ndc
    result = by_ranges(study)               # average-and-range method of the AIAG manual
    bias(values, reference); linearity(values, references)
    agreement(ratings, parts, operators, standard)

Stability is a chart of one part measured again and again: an I-MR or X-bar chart of `statistics.spc`.
Source throughout: AIAG, Measurement Systems Analysis, 4th edition (2010), called the AIAG manual here.
"""
