"""The rules by which training is due: each compares one number of today's data with a limit of the config."""

from configs.data_gate import DataGateSettings
from configs.retraining import Retraining
from documents.data_gate import Counts
from documents.retraining import NewestTargets, RetrainingRule
from pipeline.drift import distributions, facts
from pipeline.drift.blessing import Remembered

_DAY_SECONDS = 86_400


def age(today: Counts, learned: Counts, settings: Retraining) -> list[RetrainingRule]:
    """How many days of the log are newer than what the model learned; nothing without times."""
    limit, now, then = settings.max_age_days, today.newest_timestamp, learned.newest_timestamp
    if limit is None or now is None or then is None:
        return []
    days = (now - then) / _DAY_SECONDS
    words = f"the newest event is {days:.1f} days newer than what the model learned"
    return [_rule("max_age_days", days, limit, words, f"{limit:g} days")]


def new_interactions(newer: int | None, today: Counts, learned: Counts, settings: Retraining) -> list[RetrainingRule]:
    """How much of the log the model has not learned.

    Args:
        newer: Today's interactions, with the held-out ones, that are newer than what the model learned; None for a log
            without times.
        today: Counts of today's data.
        learned: Counts of the data that the model learned from.
        settings: The limit.
    """
    limit = settings.max_new_interactions
    if limit is None or not today.events:
        return []
    newer = max(0, today.events - learned.events) if newer is None else newer
    share = newer / today.events
    words = f"{newer:,} of {today.events:,} interactions ({share:.1%}) are newer than what the model learned"
    return [_rule("max_new_interactions", share, limit, words, f"{limit:.1%}")]


def new_items(today: Remembered, learned: Remembered, settings: Retraining) -> list[RetrainingRule]:
    """How many of the items that people chose the model has not learned."""
    limit = settings.max_new_items
    if limit is None:
        return []
    share = facts.share_outside(today.facts.samples["items"], learned.facts.samples["items"])
    words = f"{share:.1%} of the items in today's interactions are new to the model"
    return [_rule("max_new_items", share, limit, words, f"{limit:.1%}")]


def item_divergence(today: Remembered, learned: Remembered, settings: Retraining) -> list[RetrainingRule]:
    """How far the popularity of the items has moved; nothing if there are too few interactions to say so."""
    limit, train = settings.max_item_divergence, ("interactions", "train")
    if limit is None:
        return []
    least = DataGateSettings().min_compared_values
    value = distributions.item_divergence(today.statistics[train], learned.statistics[train], least)
    if value is None:
        return []
    words = f"the Jensen-Shannon divergence of today's items from the learned ones is {value:.3f}"
    return [_rule("max_item_divergence", value, limit, words, f"{limit:g}")]


def metric_loss(newest: NewestTargets | None, settings: Retraining) -> list[RetrainingRule]:
    """How much worse the model is on what has come since it learned; nothing if that could not be measured."""
    limit = settings.max_metric_loss
    if limit is None or newest is None or not newest.learned or newest.model.value is None:
        return []
    loss = 1 - newest.model.value / newest.learned
    floor = (1 - limit) * newest.learned
    high = newest.model.high if newest.model.high is not None else newest.model.value
    return [
        RetrainingRule(
            rule="max_metric_loss",
            value=loss,
            limit=limit,
            is_due=high < floor,
            detail=f"on {newest.users:,} users with newer interactions, {newest.metric} is {newest.model.value:.4f} "
            f"(95 % interval up to {high:.4f}); it was {newest.learned:.4f} after the training, and "
            f"retraining.max_metric_loss lets it fall to {floor:.4f}",
        )
    ]


def _rule(name: str, value: float, limit: float, words: str, allowed: str) -> RetrainingRule:
    return RetrainingRule(
        rule=name,
        value=value,
        limit=limit,
        is_due=value > limit,
        detail=f"{words}; retraining.{name} allows {allowed}",
    )
