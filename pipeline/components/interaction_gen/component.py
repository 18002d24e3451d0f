"""InteractionGen turns the interaction log into one Example per user, in the splits `train` and `eval`."""

from configs.ids import Ids
from configs.leave_out import LeaveOut
from configs.log import LogSettings
from configs.serving import Serving
from documents.cleaning import EVAL, TRAIN
from pipeline.components.interaction_gen import executor
from pipeline.reading.example_gen import FileGen


class InteractionGen(FileGen):
    """Reads, cleans, groups and splits the interaction log.

    Component `outputs` contains:
     - `examples`: Channel of type `standard_artifacts.Examples`, one Example per user, with splits `train` and `eval`.
    """

    EXECUTOR = executor.Executor

    def __init__(
        self,
        log: LogSettings,
        paths: str | dict[str, str],
        folder_parameter: str | None = None,
        ids: Ids | None = None,
        leave_out: LeaveOut = "everything",
        max_history: int = 0,
    ) -> None:
        """Declares the component.

        Args:
            log: How the log is read, cleaned and split.
            paths: The log's glob, local or `gs://`; with the `given` split, one glob each for `train` and `eval`; with
                exported events, see `reading.event_files.with_events`.
            folder_parameter: Name of a RuntimeParameter by which a run may read the same patterns in another folder.
            ids: How ids are read; None: as they are written.
            leave_out: What may not be recommended again; other items may be targets again.
            max_history: How many of each user's newest interactions are written for the service; 0 for none.
        """
        by_split = {"log": paths} if isinstance(paths, str) else dict(paths)
        super().__init__(
            values={
                executor.LOG_KEY: log.model_dump(mode="json", include=set(LogSettings.model_fields)),
                executor.IDS_KEY: (ids or Ids()).model_dump(mode="json"),
                executor.SERVING_KEY: Serving(leave_out=leave_out).model_dump(mode="json", include={"leave_out"}),
                executor.MAX_HISTORY_KEY: max_history,
            },
            paths=by_split,
            output_splits=() if len(by_split) > 1 else (TRAIN, EVAL),
            folder_parameter=folder_parameter,
        )
