"""Names the errors that reading YAML or JSON may raise."""

import yaml

NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
"""Besides the libraries' own errors, what Python raises on values such as 2024-13-45 and on deep nesting."""
