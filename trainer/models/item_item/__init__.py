"""The item-item model: a table of each item's neighbours, counted or solved for, without gradients."""
