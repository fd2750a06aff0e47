"""``blackcat dev``: the whole project on one machine."""
