"""Makes the rows of a batch: one for each place of each ranking, as columns of Arrow."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from service.ranking.ranker import Ranking
from service.snapshot.snapshot import Snapshot

USER_ID, ITEM_ID, NEIGHBOUR_ID = "user_id", "item_id", "neighbour_id"
RANK, TITLE, SCORE, VERSION = "rank", "title", "score", "version"


class Rows:
    """Writes rankings of one version."""

    def __init__(self, version: int, snapshot: Snapshot, owner: str, item: str) -> None:
        """Prepares.

        Args:
            version: The version's number.
            snapshot: Its items.
            owner: The column of whom, or what, a ranking is for.
            item: The column of the ranking's items.
        """
        self._version = version
        self._ids = pa.array(snapshot.item_ids, pa.string())
        self._titles = pa.array(list(snapshot.titles), pa.string())
        self.schema = pa.schema(
            [
                (owner, pa.string()),
                (RANK, pa.int32()),
                (item, pa.string()),
                (TITLE, pa.string()),
                (SCORE, pa.float32()),
                (VERSION, pa.int64()),
            ]
        )

    def table(self, owners: Sequence[str], rankings: Sequence[Ranking]) -> pa.Table:
        """Makes rows.

        Args:
            owners: Ids, one for each ranking.
            rankings: The rankings.

        Returns:
            A row for each item of each ranking, in their order; ranks begin with 1.
        """
        lengths = np.array([len(ranking.places) for ranking in rankings], np.int64)
        places = pa.array(np.concatenate([np.zeros(0, np.int64), *(ranking.places for ranking in rankings)]))
        scores = np.concatenate([np.zeros(0, np.float32), *(ranking.scores for ranking in rankings)])
        ranks = np.arange(len(scores)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
        columns = [
            pa.array(owners, pa.string()).take(pa.array(np.repeat(np.arange(len(owners)), lengths))),
            pa.array(ranks.astype(np.int32)),
            self._ids.take(places),
            self._titles.take(places),
            pa.array(scores, pa.float32()),
            pa.array(np.full(len(scores), self._version, np.int64)),
        ]
        return pa.Table.from_arrays(columns, schema=self.schema)
