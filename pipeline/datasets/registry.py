"""Lists the data sets that Perennial knows: the digests of their files, their licences and their sources."""

from dataclasses import dataclass

from common.errors import DataSetError
from pipeline.datasets.layouts import DataSetLayout, movielens_official, movielens_recbole, unchanged
from pipeline.datasets.sources import Source, WebFiles, WebZip, Wheel


@dataclass(frozen=True)
class DataSet:
    """One data set."""

    name: str
    """Its name in `dataset://NAME/FILE`."""

    summary: str
    """What it contains, in one line."""

    licence: str
    """Its licence or terms of use; shown when it is fetched."""

    origin: str
    """Where people find it."""

    files: dict[str, str]
    """SHA-256 of each file in the data folder. Empty: it has no fixed edition, and people copy it there by hand."""

    layouts: tuple[DataSetLayout, ...] = ()
    """The layouts in which it is published."""

    sources: tuple[Source, ...] = ()
    """Sources, tried in this order."""


_ALL = (
    DataSet(
        name="movielens-100k",
        summary="100,000 ratings of 1,682 films by 943 users, 1997-98",
        licence="GroupLens: research use, no redistribution, no commercial use without permission; cite Harper and "
        "Konstan 2015, doi:10.1145/2827872",
        origin="https://grouplens.org/datasets/movielens/100k/",
        files={
            "ratings.tsv": "16a1add7f456858c603a5f48dca3901d9964f2bfdbbaec8d55c564be66c6eac1",
            "items.tsv": "c19234709366088d2f8b1354f6d85a91f30a7b854f38373edcbd49cae9c06f50",
        },
        layouts=(
            DataSetLayout(("u.data", "u.item"), movielens_official),
            DataSetLayout(("ml-100k.inter", "ml-100k.item"), movielens_recbole),
        ),
        sources=(
            WebZip(
                "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
                "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
                ("ml-100k/u.data", "ml-100k/u.item"),
            ),
            # RecBole contains the same ratings as an example; for machines that can reach only a package index.
            Wheel(
                "recbole==1.2.1",
                "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
                (
                    "recbole/dataset_example/ml-100k/ml-100k.inter",
                    "recbole/dataset_example/ml-100k/ml-100k.item",
                ),
            ),
        ),
    ),
    DataSet(
        name="goodbooks-10k",
        summary="981,756 ratings of 10,000 books by 53,424 users; no timestamps (the first edition)",
        licence="CC BY-SA 4.0",
        origin="https://www.kaggle.com/datasets/zygmunt/goodbooks-10k",
        files={
            "ratings.csv": "c5d10afdaef938a5b9a7feb200dd5027d410a7d9ff1bf518340233b7f0f8455e",
            "books.csv": "04ca365d0d36bb9fccb5eb1e534111b889afd77b6367c686735206ea83432d94",
        },
        layouts=(unchanged("ratings.csv", "books.csv"),),
        sources=(
            # The author's own repository now has another edition, with six million ratings.
            WebZip(
                "https://www.kaggle.com/api/v1/datasets/download/zygmunt/goodbooks-10k",
                None,
                ("ratings.csv", "books.csv"),
            ),
        ),
    ),
    DataSet(
        name="movietweetings",
        summary="100,000 film ratings by 16,554 users out of tweets, 28 Feb to 1 Sep 2013",
        licence="MIT (Simon Dooms)",
        origin="https://github.com/sidooms/MovieTweetings",
        files={
            "ratings.dat": "c0dd868c2632d10002ebc928ddc5345f33adeaa59eca52c2941c26a2c5e36fd6",
            "movies.dat": "e63fb84bc734e3c574f135634a40d3cbafab22b8f94f5fc0b80f80d1d2076efc",
        },
        layouts=(unchanged("ratings.dat", "movies.dat"),),
        sources=(
            WebFiles(
                "https://raw.githubusercontent.com/sidooms/MovieTweetings/"
                "4d8280a3f1ea83e3e23f13d1710d19f43564274f/snapshots/100K",
                ("ratings.dat", "movies.dat"),
            ),
        ),
    ),
    DataSet(
        name="retailrocket",
        summary="92,487 views, baskets and purchases of a shop, users and items with ten events and more",
        licence="CC BY-NC-SA 4.0",
        origin="https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset has the whole log; this is a part "
        "of it, events.tsv with the columns visitorid, itemid and event, which has no public address of its own",
        files={"events.tsv": "98ef0cc47ed39c9597fb81790bc4a70679b5238988a28e5de051ed9e912268d3"},
        layouts=(unchanged("events.tsv"),),
    ),
    DataSet(
        name="books-40m",
        summary="a book log of your own: interactions/part-*.csv (user_id,item_id,rating,timestamp) and items.csv "
        "(item_id,title,genres)",
        licence="that of the log you put there",
        origin="the UCSD Book Graph, https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html, in this shape",
        files={},
    ),
)

DATA_SETS = {data_set.name: data_set for data_set in _ALL}


def find(name: str) -> DataSet:
    """Returns the data set of this name.

    Raises:
        DataSetError: There is no such data set.
    """
    try:
        return DATA_SETS[name]
    except KeyError:
        raise DataSetError(f"there is no data set {name!r}; known: {', '.join(DATA_SETS)}.") from None
