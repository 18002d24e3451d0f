"""The HTTP contract: routes, parameters, answers, errors."""
