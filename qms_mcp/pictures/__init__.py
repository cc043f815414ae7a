"""Pictures of numbers: described (`model`), then drawn as SVG or PNG (`drawing`).

The plotting library is loaded when the first one is drawn.

    svg = draw(Picture(title="Thickness", panels=(Panel(series=(Series(y=(1.0, 2.0)),)),)), "svg")
"""
