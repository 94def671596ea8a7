"""One node simulated: the scheduler's own decisions over modelled hands, eyes and an owner. All pure but the plot."""
