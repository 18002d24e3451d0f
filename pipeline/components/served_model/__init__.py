"""ServedModel: the last blessed model, found by what is served."""
