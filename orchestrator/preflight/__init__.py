"""Every check of host and plan, before anything is spent."""
