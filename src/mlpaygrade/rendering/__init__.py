"""Words, figures and pictures as a person sees them."""
