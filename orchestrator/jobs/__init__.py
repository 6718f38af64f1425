"""The job pool: submits, watches, retries, measures, and yields evaluations as they land."""
