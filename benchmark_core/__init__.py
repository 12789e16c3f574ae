"""The container side: one run spec in, one run report out."""

VERSION = "0.1.0"
