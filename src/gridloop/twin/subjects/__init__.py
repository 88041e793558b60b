"""What happens in the county beside energy: one module a subject, each called once a month."""
