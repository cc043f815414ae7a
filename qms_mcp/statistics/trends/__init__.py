"""Development over time: how a series depends on its own past, whether it rises or falls, and where it changed.

- `autocorrelation`: how much a value tells of the next one;
- `rank_trend`: Mann-Kendall and Sen, with what autocorrelation does to them;
- `seasons`: whether a series has a season, and the test that allows for it;
- `changes`: where the level changed (Pettitt, PELT, binary segmentation);
- `many`: what testing many series does to the chance of a false alarm;
- `periods`: rows counted or averaged by day, week, month, quarter or year.
"""
