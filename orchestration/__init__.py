"""How data moves: connectors, the lake, the stages and what runs them."""
