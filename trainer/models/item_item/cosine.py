"""Finds each item's neighbours by the cosine of their columns in the user-item matrix; exact, or thinned by DIMSUM.

Source: Sarwar et al. 2001.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from configs.models.item_item import ItemItem
from trainer.histories import Histories
from trainer.models.item_item.counting import Columns, columns, product_blocks, user_items
from trainer.models.item_item.dimsum import Thinning, thinned, thinning
from trainer.models.item_item.neighbours import Neighbours, nearest, stacked


def cosine_neighbours(interactions: Histories, items: int, width: int, settings: ItemItem, seed: int) -> Neighbours:
    """Finds the items whose users are most alike.

    Args:
        interactions: The train split; items are numbers below `items`, users have different numbers.
        items: Size of the index.
        width: Neighbours that an item keeps.
        settings: The threshold, the shrinkage, whether events weigh, and how much active users count.
        seed: Seed of the coins of DIMSUM.
    """
    met = user_items(interactions, items, settings.use_event_weights, settings.activity_exponent)
    known = columns(met)
    thin = thinning(known, settings.threshold)
    return stacked(
        [
            nearest(cosines(products, np.arange(block.start, block.stop), known, thin, settings.shrinkage), width)
            for block, products in product_blocks(thinned(met, interactions.user, thin, seed))
        ]
    )


def cosines(products: Any, item: npt.NDArray[np.integer[Any]], known: Columns, thin: Thinning, shrinkage: float) -> Any:
    """Makes cosines of products of columns.

    Args:
        products: scipy CSR matrix `[rows, items]`, the products of kept entries.
        item: `[rows]`, the number of the item of each row.
        known: The columns.
        thin: What was kept, and the divisors.
        shrinkage: s of the factor √(n₁n₂) / (√(n₁n₂) + s), where n users met an item; 0 leaves the cosine as it is.

    Returns:
        scipy CSR matrix `[rows, items]`, without the cosine of an item with itself.
    """
    first, second = np.repeat(item, np.diff(products.indptr)), products.indices
    value = products.data / (thin.divisor[first] * thin.divisor[second])
    if shrinkage:
        users = np.sqrt(known.users[first].astype(np.float64) * known.users[second])
        value *= users / (users + shrinkage)
    value[first == second] = 0
    return sparse.csr_matrix((value, products.indices, products.indptr), shape=products.shape)
