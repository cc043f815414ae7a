"""Control charts: limits from the variation within, and what breaks a rule.

A chart is made stage by stage. A family (`individuals`, `subgroups`, `attributes`, `weighted`, `rare`) turns the
observations of a stage into panels: what is plotted, its centre, its limits. Centre and sigma are estimated from the
points that are not excluded (phase I) or known (phase II). `rules` then looks for patterns, `stages` puts it together.

    made = control_chart("I-MR", Observations(values), Settings(rules=rule_set("nelson")))
    made.stages[0].panels[0].ucl
"""
