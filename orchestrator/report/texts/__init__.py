"""What the page says in words and numbers: dates, the methods section, differences, logs."""
