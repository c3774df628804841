"""How botstate talks to a relational database: its clock and its transactions."""
