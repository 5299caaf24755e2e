"""`/mediator/v1`: what an endpoint of type mediator is steered by, with its own login."""
