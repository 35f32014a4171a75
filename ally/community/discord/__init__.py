"""Discord: what its gateway and its REST API tell, in our words."""
