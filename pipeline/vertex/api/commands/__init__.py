"""What the commands `perennial vertex submit|schedule|runs|show|cancel|pause|resume` do.

Google's libraries take seconds to import, so each command imports them when it runs: a bad YAML is told before.
"""
