"""From starts to maxima: batched climbs, polish, the flow, kinks."""
