"""Acceptance sampling by attributes: plans of the standard, their operating characteristic, plans for given risks.

    standard_plan(1000, 1.0)                # ISO 2859-1, level II, normal: letter J, n = 80, Ac = 2, Re = 3
    Curve(80, 2).acceptance(0.01)           # 0.953
    designed(0.01, 0.05, 0.06, 0.10)        # the smallest plan with both risks

Quality is a fraction nonconforming (0.01 is 1 %), or nonconformities per unit with the Poisson model. AQL alone is
written as the standard does: per cent nonconforming, or nonconformities per 100 units.
"""
