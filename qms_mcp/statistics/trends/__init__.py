"""Development over time: how a series depends on its own past, whether it rises or falls, and where it changed.

- `autocorrelation`: how much a value tells of the next one;
- `mann_kendall`: Mann-Kendall's test and Sen's slope; `line`: least squares beside them;
- `order_one`: that test where values hang on those before; `corrections`: the published ways, to compare;
- `seasons`, `seasonal_order_one`: whether a series has a season, and the tests that allow for it;
- `changes`: where the level changed (Pettitt, PELT, binary segmentation); `change_level`: what a change has to bring;
- `many`: what testing many series does to the chance of a false alarm;
- `periods`: rows counted or averaged by day, week, month, quarter or year.
"""
