"""Models of pay: the network, and the rivals it is compared with."""
