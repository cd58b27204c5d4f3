"""Who may do what: users, how they prove who they are, and what they are allowed. Pure."""
