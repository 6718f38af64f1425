"""Points that methods evaluate before they know anything, or whatever they know, and those that were evaluated."""
