"""Published gauge studies, by part (rows) and operator times trial (columns)."""

# AIAG, Measurement Systems Analysis, 4th edition, GRR data sheet: 10 parts, operators A, B, C, three trials each.
AIAG = (
    (0.29, 0.41, 0.64, 0.08, 0.25, 0.07, 0.04, -0.11, -0.15),
    (-0.56, -0.68, -0.58, -0.47, -1.22, -0.68, -1.38, -1.13, -0.96),
    (1.34, 1.17, 1.27, 1.19, 0.94, 1.34, 0.88, 1.09, 0.67),
    (0.47, 0.50, 0.64, 0.01, 1.03, 0.20, 0.14, 0.20, 0.11),
    (-0.80, -0.92, -0.84, -0.56, -1.20, -1.28, -1.46, -1.07, -1.45),
    (0.02, -0.11, -0.21, -0.20, 0.22, 0.06, -0.29, -0.67, -0.49),
    (0.59, 0.75, 0.66, 0.47, 0.55, 0.83, 0.02, 0.01, 0.21),
    (-0.31, -0.20, -0.17, -0.63, 0.08, -0.34, -0.46, -0.56, -0.49),
    (2.26, 1.99, 2.01, 1.80, 2.12, 2.19, 1.77, 1.45, 1.87),
    (-1.36, -1.25, -1.31, -1.68, -1.62, -1.50, -1.49, -1.77, -2.16),
)
# Houf and Berman (1988), thermal impedance: 10 parts, 3 operators, 3 trials; also Montgomery and Burdick et al.
THERMAL = (
    (37, 38, 37, 41, 41, 40, 41, 42, 41),
    (42, 41, 43, 42, 42, 42, 43, 42, 43),
    (30, 31, 31, 31, 31, 31, 29, 30, 28),
    (42, 43, 42, 43, 43, 43, 42, 42, 42),
    (28, 30, 29, 29, 30, 29, 31, 29, 29),
    (42, 42, 43, 45, 45, 45, 44, 46, 45),
    (25, 26, 27, 28, 28, 30, 29, 27, 27),
    (40, 40, 40, 43, 42, 42, 43, 43, 41),
    (25, 25, 25, 27, 29, 28, 26, 26, 26),
    (35, 34, 34, 35, 35, 34, 35, 34, 35),
)
# Gasket thickness, AIAG 1990, as in the SAS/QC manual: 10 parts, 3 operators, 2 trials.
GASKET = (
    (0.65, 0.60, 0.55, 0.55, 0.50, 0.55),
    (1.00, 1.00, 1.05, 0.95, 1.05, 1.00),
    (0.85, 0.80, 0.80, 0.75, 0.80, 0.80),
    (0.85, 0.95, 0.80, 0.75, 0.80, 0.80),
    (0.55, 0.45, 0.40, 0.40, 0.45, 0.50),
    (1.00, 1.00, 1.00, 1.05, 1.00, 1.05),
    (0.95, 0.95, 0.95, 0.90, 0.95, 0.95),
    (0.85, 0.80, 0.75, 0.70, 0.80, 0.80),
    (1.00, 1.00, 1.00, 0.95, 1.05, 1.05),
    (0.60, 0.70, 0.55, 0.50, 0.85, 0.80),
)
# AIAG, 4th edition, linearity study: readings by reference, twelve each.
LINEARITY = {
    2.0: (2.7, 2.5, 2.4, 2.5, 2.7, 2.3, 2.5, 2.5, 2.4, 2.4, 2.6, 2.4),
    4.0: (5.1, 3.9, 4.2, 5.0, 3.8, 3.9, 3.9, 3.9, 3.9, 4.0, 4.1, 3.8),
    6.0: (5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1),
    8.0: (7.6, 7.7, 7.8, 7.7, 7.8, 7.8, 7.8, 7.7, 7.8, 7.5, 7.6, 7.7),
    10.0: (9.1, 9.3, 9.5, 9.3, 9.4, 9.5, 9.5, 9.5, 9.6, 9.2, 9.3, 9.4),
}
# AIAG, 4th edition, bias study: fifteen readings of a part of 6.00.
BIAS = (5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1, 6.2, 5.6, 6.0)


def long_form(table: tuple[tuple[float, ...], ...], trials: int) -> tuple[list[float], list[int], list[str]]:
    """Return readings, parts and operators, one of each for every reading."""
    values, parts, operators = list[float](), list[int](), list[str]()
    for part, row in enumerate(table, 1):
        for at, value in enumerate(row):
            values.append(float(value))
            parts.append(part)
            operators.append("ABC"[at // trials])
    return values, parts, operators
