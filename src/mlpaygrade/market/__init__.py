"""Statistics of the market, from postings to plain numbers and the charts that show them.

Enters: postings. Leaves: `statistics.market_statistics`, `statistics.market_json`,
`figures.section_figures`.
Writes no file and no page.
"""
