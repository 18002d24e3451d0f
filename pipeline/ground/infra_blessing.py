"""Names of what InfraValidator writes into its blessing; TFX has no public ones, and Pushers and people read them."""

from tfx.components.infra_validator import executor as infra_validator

BLESSED_PROPERTY = infra_validator._BLESSED_KEY
BLESSED_FILE = infra_validator._BLESSED_FILENAME
NOT_BLESSED_FILE = infra_validator._NOT_BLESSED_FILENAME
