"""What is said when a serving folder cannot be read or written."""

import pytest
import tensorflow as tf

from common.errors import OutputError
from pipeline.store.versions.files import reading, writing


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("without a number"), "without a number"),
        (tf.errors.PermissionDeniedError(None, None, "403 of a bucket"), "403 of a bucket"),
    ],
)
def test_reading_and_writing_say_what_went_wrong_and_what_to_do(error: Exception, reason: str) -> None:
    cannot_read = rf"^gs://b/s cannot be read \({reason}\)\. .*roles/storage\.objectViewer"
    with pytest.raises(OutputError, match=cannot_read), reading("gs://b/s"):
        raise error
    cannot_write = rf"^gs://b/s: no version could be written there \({reason}\)\. .* run again"
    with pytest.raises(OutputError, match=cannot_write), writing("gs://b/s"):
        raise error


def test_reading_and_writing_leave_other_errors_alone() -> None:
    for block in (reading("gs://b/s"), writing("gs://b/s")):
        with pytest.raises(ZeroDivisionError), block:
            raise ZeroDivisionError
