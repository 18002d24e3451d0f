"""ServedModel: the last blessed model, found by what is served, where there is no Resolver."""
