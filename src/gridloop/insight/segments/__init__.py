"""Segments of customers, by rule or by clustering of load shapes, each with the certificate of what it is worth."""
