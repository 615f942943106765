"""From a file to a bundle: the network, its fit, export, tracking, registry."""
