"""Money, time and place: pay as people type it, exchange rates, pay periods, ageing, purchasing power, official pay by area."""
