"""RetrainingCheck says whether training is due, or the last blessed model is good enough still."""
